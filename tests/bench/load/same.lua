-- One page again and again, the same bytes each time.

dofile(os.getenv("BENCH_LOAD") .. "/browser.lua")

-- Without a request() of our own, wrk asks format() once.
function wrk.format()
  return browser("/catalogue/linen-shirt-4711/", "/category/shirts/", "a7d90c1e52")
end
