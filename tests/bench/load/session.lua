-- 64 browsers on a connection each (one thread a connection), with a session each: the same bytes again and again.

dofile(os.getenv("BENCH_LOAD") .. "/browser.lua")
dofile(os.getenv("BENCH_LOAD") .. "/cookies.lua")

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function wrk.format()
  return browser("/catalogue/linen-shirt-4711/", "/category/shirts/", "a7d90c1e52; " .. cookie(number))
end
