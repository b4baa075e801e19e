// Live alerts and answers without a reload. The page works without this file; it only saves reloading.
"use strict";

const log = document.getElementById("log");
const live = document.getElementById("live");
const composer = document.getElementById("composer");
const line = document.getElementById("line");
const title = document.title;
const typed = [];
let recalled = 0;
let unseen = 0;
let events = null;

// --- the conversation

function nearEnd() {
  return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 160;
}

function show(item, follow) {
  if (document.getElementById(item.id)) return; // another way brought it already
  const stay = !follow && !nearEnd();
  const holder = document.createElement("template");
  holder.innerHTML = item.html; // escaped by the server; the page's policy runs no script in it anyway
  log.append(holder.content);
  document.getElementById("greeting")?.remove();
  if (!stay) document.getElementById(item.id).scrollIntoView({ block: "nearest" });
  if (document.hidden) document.title = `(${++unseen}) ${title}`;
}

function lastId() {
  return log.lastElementChild ? log.lastElementChild.id : "";
}

// --- what comes by itself

function listen() {
  if (events) return;
  events = new EventSource(`/chat/events?after=${encodeURIComponent(lastId())}`);
  events.onopen = () => { live.textContent = "Live: new alerts appear here by themselves."; };
  events.onerror = () => {
    live.textContent = "Connection lost. Trying again…";
    if (events.readyState === EventSource.CLOSED) setTimeout(again, 3000);
  };
  events.addEventListener("item", (event) => show(JSON.parse(event.data), false));
  events.addEventListener("clear", () => log.replaceChildren());
  events.addEventListener("rest", rest);
}

function again() {
  rest();
  listen();
}

function rest() {
  events?.close();
  events = null;
  live.textContent = "Resting while other tabs are open. Come back to this tab for new alerts.";
}

function lookedAt() {
  if (document.hidden) return;
  unseen = 0;
  document.title = title;
  listen();
}

// --- what is typed and pressed

async function say(text) {
  try {
    const answer = await fetch("/chat", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ line: text }),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json(), true);
  } catch {
    live.textContent = "That was not sent: the bot does not answer. Is it still running?";
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("action") !== "/chat") return;
  event.preventDefault();
  const text = form === composer ? line.value.trim() : event.submitter.value;
  if (!text) return;
  if (form === composer) {
    line.value = "";
    recalled = typed.push(text);
  }
  say(text);
});

line.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || !typed.length) return;
  event.preventDefault();
  recalled = Math.min(Math.max(recalled + step, 0), typed.length);
  line.value = typed[recalled] ?? "";
});

document.addEventListener("visibilitychange", lookedAt);
window.addEventListener("focus", lookedAt);
window.addEventListener("pagehide", () => events?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) again(); });

log.lastElementChild?.scrollIntoView({ block: "end" });
listen();
