-- As many sessions as there are cookies, on any connection, as behind a CDN: path, Referer and session differ each time.

dofile(os.getenv("BENCH_LOAD") .. "/browser.lua")
dofile(os.getenv("BENCH_LOAD") .. "/cookies.lua")

local pages = { "/catalogue/linen-shirt-@/", "/summer/look-@/", "/brands/house-@/", "/category/@/?page=2",
                "/stories/@/", "/media/photo-@.webp", "/search/?q=shirt+@", "/basket/lines/@/" }

-- Cut open once at the places that vary, as in varied.lua; the session comes last, before the empty line.
local requests = {}
for number, page in ipairs(pages) do
  local pieces = {}
  for piece in (browser(page, page, "@; "):gsub("\r\n\r\n$", "") .. "@"):gmatch("([^@]*)@") do
    pieces[#pieces + 1] = piece
  end
  requests[number] = pieces
end

local count = 100000 + tonumber(os.getenv("BENCH_OFFSET"))

function request()
  count = count + 1
  return table.concat(requests[count % #requests + 1], count) .. cookie(count) .. "\r\n\r\n"
end
