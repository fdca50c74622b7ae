// One room: what was said in it, and what is being sent to it. No DOM here.
//
// Messages come by asking: a short question each POLL_MS for what is newer than the newest message, less OVERLAP_MS,
// since messages from other regions arrive a little out of order; and a longer one, for the whole newest page, each
// PAGE_MS and whenever another region begins to answer, since a region that was cut off delivers its messages late.
// Every message has an id, so those that come twice are one.

import { firstAt, newIdentifier, timeOf } from "./identifiers.js";
import { Refused } from "./network.js";

const POLL_MS = 400;
const HIDDEN_POLL_MS = 3000;
const OVERLAP_MS = 20_000;
const PAGE_MS = 8000;
// Retries double from here, with jitter, so that a returning region is not met by everyone at once.
const RETRY_MS = 400;
const RETRY_LIMIT_MS = 3000;
// After this long without success, writing is given back to the writer. The API takes ids of up to ten minutes.
const SENDING_LIMIT_MS = 5 * 60_000;
// More than anyone scrolls through; older ones can be asked for again.
const MESSAGES_LIMIT = 1000;

export class Conversation extends EventTarget {
  messages = new Map(); // by id: {id, name, text, region, time, state}; state: sent, sending, failed
  earlier = false; // there are older messages than those here
  loaded = false;
  failures = 0; // questions without an answer since the last one that had one
  #network;
  #room;
  #outbox = [];
  #sending = false;
  #stopped = false;
  #pageAt = -Infinity;
  #newest = null; // newest id that came from the API
  #wake = () => {};

  constructor(network, room) {
    super();
    this.#network = network;
    this.#room = room;
    network.addEventListener("moved", this.#moved);
  }

  get room() {
    return this.#room;
  }

  /** In the order in which they were written. */
  get ordered() {
    return [...this.messages.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Follow the room until `stop`. */
  async follow() {
    while (!this.#stopped) {
      try {
        await this.#ask();
        if (this.failures) this.#answered();
      } catch {
        this.failures += 1;
        this.#changed();
      }
      await this.#pause(this.failures ? backoff(this.failures) : document.hidden ? HIDDEN_POLL_MS : POLL_MS);
    }
  }

  stop() {
    this.#stopped = true;
    this.#network.removeEventListener("moved", this.#moved);
    this.#wake();
  }

  /** Ask at once, such as when the page comes to the front. */
  hurry() {
    this.#wake();
  }

  /** Show a message now, send it as soon as possible. */
  post(name, text) {
    const id = newIdentifier(this.#network.now());
    const message = { id, name, text, region: null, time: timeOf(id), state: "sending" };
    this.messages.set(id, message);
    this.#outbox.push(message);
    this.#changed();
    this.#send();
  }

  /** Send a failed message again; under a new id where the old one has become too old. */
  retry(id) {
    const failed = this.messages.get(id);
    if (failed?.state !== "failed") return;
    if (failed.refused || this.#network.now() - timeOf(id) > SENDING_LIMIT_MS) {
      this.messages.delete(id);
      this.post(failed.name, failed.text);
      return;
    }
    failed.state = "sending";
    this.#outbox.push(failed);
    this.#changed();
    this.#send();
  }

  async loadEarlier() {
    const oldest = this.ordered.find((message) => message.state === "sent");
    if (!oldest) return;
    const page = await this.#network.api(`${this.#path}?before=${oldest.id}`);
    this.earlier = page.more;
    this.#take(page.messages, false);
    this.#changed();
  }

  get #path() {
    return `rooms/${encodeURIComponent(this.#room)}/messages`;
  }

  #moved = () => {
    this.#pageAt = -Infinity;
  };

  async #ask() {
    const whole = performance.now() - this.#pageAt > PAGE_MS;
    if (whole) {
      const page = await this.#network.api(this.#path, { measured: true });
      this.#pageAt = performance.now();
      if (!this.loaded) this.earlier = page.more;
      const first = !this.loaded;
      this.loaded = true;
      if (this.#take(page.messages, !first) || first) this.#changed();
      return;
    }
    // A writer whose clock is fast must not make us skip what others write meanwhile.
    const newest = this.#newest ? Math.min(timeOf(this.#newest), this.#network.now()) : 0;
    let after = firstAt(newest - OVERLAP_MS);
    for (let more = true; more && !this.#stopped; ) {
      const page = await this.#network.api(`${this.#path}?after=${after}`, { measured: true });
      if (this.#take(page.messages, true)) this.#changed();
      more = page.more && page.messages.length > 0;
      after = page.messages.at(-1)?.id ?? after;
    }
  }

  /** Whether any of them is new here. */
  #take(messages, arriving) {
    let news = false;
    for (const message of messages) {
      const known = this.messages.get(message.id);
      if (known?.state === "sent") continue;
      if (known) this.#outbox = this.#outbox.filter((waiting) => waiting.id !== message.id);
      else if (arriving) this.dispatchEvent(new CustomEvent("arrived", { detail: message }));
      this.messages.set(message.id, { ...message, state: "sent" });
      if (!this.#newest || message.id > this.#newest) this.#newest = message.id;
      news = true;
    }
    for (const id of [...this.messages.keys()].sort().slice(0, -MESSAGES_LIMIT)) {
      this.messages.delete(id);
      this.earlier = true;
    }
    return news;
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    for (let attempts = 0; this.#outbox.length; ) {
      const message = this.#outbox[0];
      try {
        const { id, name, text } = message;
        const answer = await this.#network.api(this.#path, { body: { id, name, text } });
        this.#outbox = this.#outbox.filter((waiting) => waiting !== message);
        this.#take([answer.message], false);
        attempts = 0;
      } catch (problem) {
        attempts += 1;
        const refused = problem instanceof Refused;
        if (refused || this.#network.now() - timeOf(message.id) > SENDING_LIMIT_MS) {
          this.#outbox = this.#outbox.filter((waiting) => waiting !== message);
          Object.assign(message, { state: "failed", refused, why: refused ? problem.message : null });
        } else {
          await delay(backoff(attempts));
        }
      }
      this.#changed();
    }
    this.#sending = false;
  }

  #answered() {
    this.failures = 0;
    this.#changed();
  }

  #changed() {
    if (!this.#stopped) this.dispatchEvent(new Event("change"));
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function backoff(failures) {
  return Math.min(RETRY_LIMIT_MS, RETRY_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}

function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
