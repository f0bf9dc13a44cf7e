// Forms in a story that post to the shop. Django wants the token that it gave this browser: it is asked for when somebody
// buys, from a page of the shop that has such a form for guests and customers, so that a page that is only read costs
// the shop nothing.
for (const form of document.querySelectorAll("[data-shop-form]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.hasAttribute("aria-busy")) return; // who clicks twice buys once
    form.setAttribute("aria-busy", "true");
    form.elements.csrfmiddlewaretoken.value = await token().catch(() => ""); // without one the shop says what is wrong
    form.submit();
  });
  addEventListener("pageshow", () => form.removeAttribute("aria-busy")); // the back button brings the page as it was left
}

async function token() {
  const page = await (await fetch("/catalogue/", { cache: "no-store" })).text();
  const asked = new DOMParser().parseFromString(page, "text/html").querySelector("[name=csrfmiddlewaretoken]");
  return asked?.value ?? "";
}
