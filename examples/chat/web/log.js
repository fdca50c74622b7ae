// The list of messages. What people typed only ever becomes text, never markup.

import { colour, region } from "./places.js";

const GROUP_MS = 3 * 60_000;
const NEAR_END_PX = 80;
const HUES = 12;

export class Log {
  notices = [];
  #list;
  #scroll;
  #newer;
  #rows = new Map(); // by message id, or by notice key
  #word;
  #age;
  #retry;
  #mine;

  constructor({ list, scroll, newer, word, age, retry, mine }) {
    this.#list = list;
    this.#scroll = scroll;
    this.#newer = newer;
    this.#word = word;
    this.#age = age;
    this.#retry = retry;
    this.#mine = mine;
    newer.addEventListener("click", () => this.toEnd());
    scroll.addEventListener("scroll", () => {
      if (this.#atEnd) newer.hidden = true;
    });
  }

  clear() {
    this.#list.replaceChildren();
    this.#rows.clear();
    this.notices = [];
    this.#newer.hidden = true;
  }

  toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#newer.hidden = true;
  }

  /** A line between messages that is not a message: {id, time, text, region}. */
  notice(entry) {
    this.notices.push(entry);
  }

  /** Bring the list into the state of these messages, in order. */
  show(messages, now) {
    const entries = [...messages, ...this.notices].sort((one, other) => one.id < other.id ? -1 : 1);
    const stay = this.#atEnd || this.#rows.size === 0;
    const height = this.#scroll.scrollHeight;
    const present = new Set(entries.map((entry) => entry.id));
    for (const [id, row] of this.#rows) {
      if (!present.has(id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    let before = null;
    let place = this.#list.firstElementChild;
    let grown = false;
    for (const entry of entries) {
      let row = this.#rows.get(entry.id);
      if (!row) {
        row = entry.name === undefined ? this.#noticeRow(entry) : this.#messageRow(entry);
        this.#rows.set(entry.id, row);
        grown = true;
      }
      if (row.element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(row.element, place);
      row.update(entry, before, now);
      before = entry;
    }
    if (stay) this.toEnd();
    else if (grown && entries.at(-1)?.state === "sending") this.toEnd();
    else if (grown && this.#scroll.scrollTop < NEAR_END_PX) this.#scroll.scrollTop += this.#scroll.scrollHeight - height;
    else if (grown) this.#newer.hidden = false;
  }

  /** Let the messages grow older. */
  tick(now) {
    for (const row of this.#rows.values()) row.tick(now);
  }

  get #atEnd() {
    return this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < NEAR_END_PX;
  }

  #noticeRow(entry) {
    const line = make("span", "notice-text", entry.text);
    const element = make("li", "notice");
    element.append(dot(entry.region), line);
    return { element, update() {}, tick() {} };
  }

  #messageRow(message) {
    const element = make("li", "message");
    const mine = this.#mine(message);
    element.classList.toggle("mine", mine);
    element.dataset.id = message.id;
    const face = make("span", `face hue-${hue(message.name)}`, initials(message.name));
    face.setAttribute("aria-hidden", "true");
    const author = make("bdi", "author", message.name);
    const text = make("bdi", "text", message.text);
    const meta = make("span", "meta");
    const bubble = make("div", "bubble");
    bubble.append(author, text, meta);
    element.append(face, bubble);
    let shown = null;
    let current = message;
    let aged = "";
    const age = make("time", "age");
    const tick = (now) => {
      const value = this.#age(Math.max(0, now - current.time));
      if (value !== aged) age.textContent = aged = value;
    };
    const update = (entry, before, now) => {
      current = entry;
      const joined = before?.name === entry.name && entry.time - before.time < GROUP_MS;
      element.classList.toggle("joined", joined);
      const state = `${entry.state}${entry.region}`;
      if (state !== shown) {
        shown = state;
        element.dataset.state = entry.state;
        element.dataset.region = entry.region ?? "";
        age.dateTime = new Date(entry.time).toISOString();
        meta.replaceChildren(...this.#meta(entry, age));
      }
      tick(now);
    };
    return { element, update, tick };
  }

  #meta(message, age) {
    if (message.state === "sending") return [make("span", "spinner"), document.createTextNode(this.#word("sending"))];
    if (message.state === "failed") {
      const again = make("button", "again", this.#word("retry"));
      again.type = "button";
      again.addEventListener("click", () => this.#retry(message.id));
      return [document.createTextNode(message.why ?? this.#word("failed")), again];
    }
    const place = make("span", "place", region(message.region).title);
    place.title = message.region;
    return [dot(message.region), place, age];
  }
}

/** A round mark in a region's colour. */
export function dot(code) {
  const mark = make("span", `dot ${colour(code)}`);
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

export function make(tag, classes = "", text = null) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text !== null) element.textContent = text;
  return element;
}

function initials(name) {
  const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name);
  return [...segments][0].segment.toUpperCase();
}

function hue(name) {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return sum % HUES;
}
