-- The session cookies of a run, one a line of the file BENCH_COOKIES, under the name BENCH_COOKIE.

local name, cookies = os.getenv("BENCH_COOKIE"), {}
for line in io.lines(os.getenv("BENCH_COOKIES")) do
  cookies[#cookies + 1] = name .. "=" .. line
end

function cookie(number)
  return cookies[number % #cookies + 1]
end
