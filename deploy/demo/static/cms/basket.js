// The basket's badge on a magazine page. The page itself is the same for everybody and may come from a cache, so what is
// in somebody's basket is asked for afterwards: of the edge, which knows it. Commerce is not asked, and may be down.
const badge = document.querySelector("[data-basket]");

async function show() {
  try {
    const answer = await fetch("/.inseam/session", { headers: { accept: "application/json" }, cache: "no-store" });
    const session = answer.ok ? await answer.json() : { basket: { count: 0 } };
    badge.textContent = session.basket.count ? `(${session.basket.count})` : "";
    if (session.login && session.name) badge.title = `Hello ${session.name}`;
  } catch {
    badge.textContent = ""; // there is no edge: the magazine can still be read
  }
}

if (badge) addEventListener("pageshow", show); // also when the page comes back from the back button
