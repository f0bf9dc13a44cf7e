// The basket's badge on a magazine page. The page itself is the same for everybody and may come from a cache, so what is
// in somebody's basket is asked for afterwards. Without this script the link to the basket works just as well.
const badge = document.querySelector("[data-basket]");

async function show() {
  try {
    const answer = await fetch("/api/basket", { headers: { accept: "application/json" }, cache: "no-store" });
    const basket = answer.ok ? await answer.json() : { count: 0 };
    badge.textContent = basket.count ? `(${basket.count})` : "";
  } catch {
    badge.textContent = ""; // commerce is down: the magazine can still be read
  }
}

if (badge) addEventListener("pageshow", show); // also when the page comes back from the back button
