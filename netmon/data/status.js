// The live half of the status page.  Without it the page works too: it is whole when it comes, and
// search and filters are a form.  Here they answer while one types, and what changes is put in place
// piece by piece, so that focus, selection and opened parts stay as they are.
"use strict";
(() => {
  const body = document.body;
  const pulse = document.getElementById("pulse");
  const form = document.querySelector("form.filter");
  if (!("live" in body.dataset)) return;

  // The server's clock is the one that counts: this machine's may be wrong.
  const ahead = Date.now() / 1000 - Number(body.dataset.now);

  const age = (seconds) => {
    const s = Math.max(0, seconds);
    if (s < 120) return `${Math.round(s)} s`;
    if (s < 7200) return `${Math.round(s / 60)} min`;
    if (s < 172800) return `${Math.round(s / 3600)} h`;
    return `${Math.round(s / 86400)} d`;
  };

  const tick = () => {
    const now = Date.now() / 1000 - ahead;
    for (const time of document.querySelectorAll("time")) {
      const then = Date.parse(time.dateTime) / 1000;
      const words = then - now > 1 ? `in ${age(then - now)}` : `${age(now - then)} ago`;
      if (time.textContent !== words) time.textContent = words;
      if (!time.title) time.title = new Date(then * 1000).toLocaleString();
    }
  };

  // Make `old` like `fresh` while it stays the same element.
  const morph = (old, fresh) => {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    }
    const news = [...fresh.childNodes];
    const olds = [...old.childNodes];
    news.forEach((child, i) => (i < olds.length ? morph(olds[i], child) : old.append(child)));
    olds.slice(news.length).forEach((child) => child.remove());
  };

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html; // escaped by the server; and the policy runs nothing from markup
    return template.content.firstElementChild;
  };

  // Put the pieces `order` into a slot; `fresh(id)` gives a new piece, or nothing if it stays.
  const fill = (slot, order, fresh) => {
    const wanted = new Set(order);
    for (const piece of [...slot.children]) if (!wanted.has(piece.id)) piece.remove();
    const known = new Map([...slot.children].map((piece) => [piece.id, piece]));
    let before = slot.firstElementChild;
    for (const id of order) {
      let piece = known.get(id);
      const next = fresh(id);
      if (piece && next) morph(piece, next);
      else if (next) piece = next;
      if (!piece) continue;
      if (piece === before) before = before.nextElementSibling;
      else {
        const focused = piece.contains(document.activeElement) && document.activeElement;
        slot.insertBefore(piece, before);
        if (focused) focused.focus({ preventScroll: true });
      }
    }
  };

  let source = null;
  let retry = 0;

  const say = (state, words) => {
    pulse.className = `pulse ${state}`;
    pulse.textContent = words;
  };

  const leave = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  const follow = () => {
    leave();
    if (document.hidden) return; // a browser has few connections to one server, for all its tabs
    const address = body.dataset.live;
    source = new EventSource(`/live${address}${address ? "&" : "?"}seen=${body.dataset.seen}`);
    source.onopen = () => say("on", "live");
    source.onmessage = (event) => {
      body.dataset.seen = event.lastEventId;
      for (const [name, { order, pieces }] of Object.entries(JSON.parse(event.data))) {
        const slot = document.querySelector(`[data-slot="${name}"]`);
        if (slot) fill(slot, order, (id) => (Object.hasOwn(pieces, id) ? parse(pieces[id]) : null));
      }
      tick();
    };
    source.onerror = () => {
      say("off", "reconnecting");
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(follow, 5000);
    };
  };

  // Take another view of the same page from the server.
  let asked = 0;
  const show = async (address, push) => {
    const turn = ++asked;
    const answer = await fetch(address, { headers: { accept: "text/html" } }).catch(() => null);
    if (turn !== asked) return; // something newer was asked for meanwhile
    if (!answer || !answer.ok) return void location.assign(address);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn !== asked) return;
    if (push) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    Object.assign(body.dataset, { live: fresh.body.dataset.live, seen: fresh.body.dataset.seen });
    for (const slot of document.querySelectorAll("[data-slot]")) {
      const other = fresh.querySelector(`[data-slot="${slot.dataset.slot}"]`);
      const pieces = new Map([...other.children].map((piece) => [piece.id, piece]));
      fill(slot, [...pieces.keys()], (id) => pieces.get(id));
    }
    tick();
    follow();
  };

  if (form) {
    const address = () => {
      const query = new URLSearchParams(new FormData(form));
      for (const [name, value] of [...query]) if (!value) query.delete(name);
      return String(query) ? `/?${query}` : "/";
    };
    let wait = 0;
    form.classList.add("instant");
    form.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(() => show(address(), false), 150);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(wait);
      show(address(), true);
    });
    const match = () => {
      const query = new URLSearchParams(location.search);
      for (const field of form.elements) if (field.name) field.value = query.get(field.name) ?? "";
    };
    document.addEventListener("click", (event) => {
      const link = event.target.closest(".counts a, nav[data-slot] a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      show(link.getAttribute("href"), true).then(match);
    });
    addEventListener("popstate", () => show(location.pathname + location.search, false).then(match));
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.closest("input, select, textarea");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        form.elements.q.focus();
        form.elements.q.select();
      }
    });
  }

  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && follow());
  setInterval(tick, 1000);
  tick();
  follow();
})();
