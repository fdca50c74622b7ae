// Puts the page together: address, rooms, conversation, composer.

import { Conversation } from "./conversation.js";
import { Globe } from "./globe.js";
import { firstAt } from "./identifiers.js";
import { Journey } from "./journey.js";
import { Log, dot, make } from "./log.js";
import { Network } from "./network.js";
import { region } from "./places.js";
import { LANGUAGES, agesIn, languageOf, speak, wordsOf } from "./words.js";

const DEFAULT_ROOM = "lobby";
const ROOM = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const ROOMS_MS = 3000;
const PING_MS = 8000;
const FIRST_PINGS = 4; // close together once the page stands, for a figure that is not of its loading
const FIRST_PING_MS = 700;
const LOST_AFTER = 2; // questions without an answer; one may be chance

const element = (id) => document.getElementById(id);
const remembered = { get: (key) => localStorage.getItem(key) ?? "", set: (key, value) => localStorage.setItem(key, value) };

const language = languageOf(location.pathname);
const word = wordsOf(language);
const network = new Network();
const own = new Set(JSON.parse(sessionStorage.getItem("own") ?? "[]")); // ids of what was written in this tab
let conversation = null;
let listed = [];
let unread = 0;
const globe = new Globe(element("globe"));
const journey = new Journey(network, globe, word);
const log = new Log({
  list: element("log"),
  scroll: element("scroll"),
  newer: element("newer"),
  word,
  age: agesIn(language, word),
  retry: (id) => conversation.retry(id),
  mine: (message) => message.state !== "sent" || own.has(message.id),
});

function roomOf(path) {
  const [, room] = path.match(/\/rooms\/([^/]+)/) ?? [];
  return room && ROOM.test(room) ? room : DEFAULT_ROOM;
}

function addressOf(room) {
  const [, prefix] = location.pathname.match(/^\/([a-z]{2})(?=\/|$)/) ?? [];
  return `${prefix ? `/${prefix}` : ""}/rooms/${room}`;
}

function enter(room) {
  conversation?.stop();
  log.clear();
  conversation = new Conversation(network, room);
  conversation.addEventListener("change", show);
  conversation.addEventListener("arrived", ({ detail }) => arrived(detail));
  conversation.follow();
  element("room-label").textContent = room;
  element("earlier").hidden = element("empty").hidden = true;
  remembered.set(`seen:${room}`, String(network.now()));
  showRooms();
}

function visit(room) {
  if (room !== conversation.room) {
    history.pushState(null, "", addressOf(room));
    enter(room);
  }
}

function show() {
  const messages = conversation.ordered;
  for (const message of messages) if (message.state !== "sent") own.add(message.id);
  log.show(messages, network.now());
  element("earlier").hidden = !conversation.earlier;
  element("empty").hidden = !conversation.loaded || messages.length > 0;
  const lost = conversation.failures >= LOST_AFTER;
  element("banner").hidden = !lost;
  element("banner").textContent = lost ? word("lost") : "";
  document.body.classList.toggle("lost-connection", lost);
}

function arrived(message) {
  globe.message(region(message.region));
  if (document.hidden) document.title = `(${(unread += 1)}) Meridian`;
  else remembered.set(`seen:${conversation.room}`, String(network.now()));
}

function showRooms() {
  const known = new Map(listed.map((room) => [room.name, room]));
  const names = new Set([DEFAULT_ROOM, conversation.room, ...known.keys()]);
  const rows = [...names].map((name) => {
    const room = known.get(name);
    const link = make("a", "", null);
    link.href = addressOf(name);
    link.append(make("span", "hash", "#"), make("span", "room-name", name));
    if (name === conversation.room) link.setAttribute("aria-current", "page");
    else if (room && room.time > Number(remembered.get(`seen:${name}`) || remembered.get("visited"))) link.classList.add("unread");
    if (room) link.append(dot(room.region));
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      visit(name);
    });
    const row = make("li");
    row.append(link);
    return row;
  });
  const focused = document.activeElement?.closest("#rooms a")?.getAttribute("href");
  element("rooms").replaceChildren(...rows);
  if (focused) element("rooms").querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function followRooms() {
  try {
    const answer = await network.api("rooms");
    if (JSON.stringify(answer.rooms) !== JSON.stringify(listed)) {
      listed = answer.rooms;
      showRooms();
    }
  } catch {
    // The conversation's own questions tell the reader that the connection is gone.
  }
  setTimeout(followRooms, ROOMS_MS);
}

async function followEdge(pings = 0) {
  if (pings > 0) await network.ping();
  setTimeout(followEdge, pings < FIRST_PINGS ? FIRST_PING_MS : PING_MS, pings + 1);
}

function compose() {
  const { composer, name, text } = Object.fromEntries(["composer", "name", "text"].map((id) => [id, element(id)]));
  const fit = () => {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  };
  name.value = remembered.get("name");
  name.addEventListener("change", () => remembered.set("name", name.value.trim()));
  text.addEventListener("input", fit);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!text.value.trim()) return text.focus();
    if (!name.value.trim()) return name.focus();
    conversation.post(name.value.trim(), text.value.trim());
    sessionStorage.setItem("own", JSON.stringify([...own].slice(-500)));
    text.value = "";
    fit();
    text.focus();
  });
}

function newRoom() {
  const field = element("room-name");
  field.addEventListener("input", () => field.setCustomValidity(""));
  element("new-room").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = field.value.trim().toLowerCase().replace(/\s+/g, "-");
    if (!name) return;
    if (!ROOM.test(name)) {
      field.setCustomValidity(word("badRoom"));
      field.reportValidity();
      return;
    }
    field.value = "";
    visit(name);
    element("text").focus();
  });
}

function chooseLanguage() {
  const choice = element("language");
  choice.append(...LANGUAGES.map(({ code, title }) => new Option(title, code, code === language, code === language)));
  choice.addEventListener("change", () => {
    // The edge reads this cookie when the front page is asked for.
    document.cookie = `language=${choice.value}; path=/; max-age=31536000; samesite=lax`;
    location.assign(`/${choice.value}/rooms/${conversation.room}`);
  });
}

function chooseTheme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  if (remembered.get("theme")) root.dataset.theme = remembered.get("theme");
  element("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remembered.set("theme", root.dataset.theme);
    globe.redraw();
  });
}

function start() {
  document.documentElement.lang = language;
  speak(word);
  compose();
  newRoom();
  chooseLanguage();
  chooseTheme();
  network.addEventListener("moved", ({ detail }) => {
    const text = word("moved", { to: place(detail.to), from: place(detail.from) });
    log.notice({ id: firstAt(network.now()), time: network.now(), text, region: detail.to });
    show();
  });
  element("earlier").addEventListener("click", () => conversation.loadEarlier().catch(() => {}));
  addEventListener("popstate", () => enter(roomOf(location.pathname)));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    document.title = "Meridian";
    conversation.hurry();
  });
  setInterval(() => log.tick(network.now()), 1000);
  if (!remembered.get("visited")) remembered.set("visited", String(Date.now()));
  enter(roomOf(location.pathname));
  journey.show();
  followRooms();
  followEdge();
}

function place(code) {
  return `${region(code).title} (${code})`;
}

start();
