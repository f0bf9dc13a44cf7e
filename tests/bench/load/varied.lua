-- Many browsers: path, Referer and Cookie differ on each request, so that nothing which a proxy might remember of a
-- connection's last request is of use to it.

dofile(os.getenv("BENCH_LOAD") .. "/browser.lua")

local pages = { "/catalogue/linen-shirt-@/", "/summer/look-@/", "/brands/house-@/", "/category/@/?page=2",
                "/stories/@/", "/media/photo-@.webp", "/search/?q=shirt+@", "/basket/lines/@/" }

-- Putting 15 headers together for each request would make wrk the slowest part: each page's request is cut open once
-- at the places that vary, and joined by a counter.
local requests = {}
for number, page in ipairs(pages) do
  local pieces = {}
  for piece in (browser(page, page, "@") .. "@"):gmatch("([^@]*)@") do
    pieces[#pieces + 1] = piece
  end
  requests[number] = pieces
end

local count = 100000

function request()
  count = count + 1
  return table.concat(requests[count % #requests + 1], count)
end
