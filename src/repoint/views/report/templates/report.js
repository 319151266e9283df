"use strict";
(() => {
  const form = document.getElementById("filters");
  const fields = [...form.querySelectorAll("select")];
  const told = document.getElementById("shown");
  const all = "[data-env],[data-purpose],[data-severity]";
  const fits = (element) => fields.every((field) => {
    const has = element.dataset[field.dataset.filter];
    if (!field.value || !has) return true;
    return field.dataset.filter === "purpose" ? has.split(" ").includes(field.value) : has === field.value;
  });
  const apply = () => {
    let hidden = 0;
    for (const element of document.querySelectorAll(all)) {
      element.hidden = !fits(element);
      hidden += element.hidden;
    }
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = !fits(group) || ![...group.querySelectorAll("li[id]")].some((one) => !one.hidden);
    }
    told.textContent = hidden ? `${hidden} parts are hidden` : "";
  };
  const reveal = () => {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return;
    }
    if (!target) return;
    if (target.closest("[hidden]")) {
      form.reset();
      apply();
    }
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  };
  if (fields.length) form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      one.dataset.closed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const one of document.querySelectorAll("details[data-closed]")) one.open = false;
  });
  apply();
  reveal();
})();
