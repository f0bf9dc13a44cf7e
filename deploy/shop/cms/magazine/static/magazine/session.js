// The visitor, on pages that are the same for everybody and may come from a cache. The edge answers by itself: what is in
// the basket and who is logged in is never asked of the shop.
async function greet() {
  const visitor = await (await fetch("/.inseam/session")).json();
  const { login, name, basket, csrf } = visitor;
  document.querySelector("[data-basket]").textContent = basket ? basket.count : 0;
  document.querySelector("[data-total]").textContent = basket?.total ? `${basket.currency} ${basket.total}` : "";
  document.querySelector("[data-name]").textContent = login ? name || "You" : "";
  document.querySelector("[data-csrf]").value = csrf ?? "";
  document.documentElement.dataset.login = login ? "yes" : "no";
}
addEventListener("pageshow", greet); // also when a page comes back by the back button
