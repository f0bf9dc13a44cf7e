// The visitor, on pages that are the same for everybody and may come from a cache. The edge answers by itself: what is in
// the basket and who is logged in is never asked of the shop.
async function greet() {
  const { login, name, basket, receipt } = await (await fetch("/.inseam/session")).json();
  document.querySelector("[data-basket]").textContent = basket ? basket.count : 0;
  document.querySelector("[data-total]").textContent = basket?.total ? `${basket.currency} ${basket.total}` : "";
  document.querySelector("[data-name]").textContent = login ? name || "You" : "";
  document.querySelector("[data-receipt]").hidden = receipt === null;
  document.documentElement.dataset.login = login ? "yes" : "no";
}
addEventListener("pageshow", greet); // also when a page comes back by the back button
