// The reader's own way: to an edge location, on to a region, and how long each part takes.

import { make } from "./log.js";
import { colour, edgeLocation, region } from "./places.js";

const LOWEST_SCALE_MS = 20;

export class Journey {
  #network;
  #globe;
  #word;
  #bars = [];

  constructor(network, globe, word) {
    this.#network = network;
    this.#globe = globe;
    this.#word = word;
    network.addEventListener("change", () => this.show());
  }

  show() {
    const { edge, region: code, samples, edgeRoundTrip, roundTrip } = this.#network;
    const near = edge ? edgeLocation(edge) : null;
    const far = code ? region(code) : null;
    put("edge-name", near ? `${near.title === near.code ? "" : `${near.title} · `}${near.code}` : "…");
    put("edge-time", milliseconds(edgeRoundTrip));
    put("region-name", far?.title ?? "…");
    put("region-code", code ?? this.#word("region"));
    put("region-time", roundTrip !== null && edgeRoundTrip !== null ? `+${milliseconds(Math.max(0, roundTrip - edgeRoundTrip))}` : "·");
    put("round-trip", milliseconds(roundTrip));
    put("compact", far ? `${near ? `${near.code} → ` : ""}${far.title} · ${milliseconds(roundTrip)}` : "");
    for (const id of ["region-dot", "compact-dot"]) {
      document.getElementById(id).className = `dot ${code ? colour(code) : ""}`;
    }
    document.getElementById("globe").setAttribute("aria-label", this.#word("globe", { region: far?.title, edge: near?.title }));
    this.#globe.route(near, far);
    this.#draw(samples);
  }

  /** One bar a question, in the colour of the region that answered it, as high as it took; a stub where none did. */
  #draw(samples) {
    const frame = document.getElementById("bars");
    // Two outliers may be cut off, so that the rest is not flattened by them.
    const ordered = samples.map((sample) => sample.milliseconds).sort((one, other) => other - one);
    const highest = Math.max(LOWEST_SCALE_MS, 1.15 * (ordered[2] ?? 0));
    while (this.#bars.length < samples.length) {
      this.#bars.push(make("span", "pulse-bar"));
      frame.append(this.#bars.at(-1));
    }
    samples.forEach((sample, index) => {
      const bar = this.#bars[index];
      bar.className = `pulse-bar ${sample.region ? colour(sample.region) : "lost"}`;
      bar.style.height = `${sample.region ? Math.min(100, Math.max(8, (100 * sample.milliseconds) / highest)) : 100}%`;
    });
  }
}

function put(id, text) {
  const element = document.getElementById(id);
  if (element.textContent !== text) element.textContent = text;
}

function milliseconds(value) {
  return value === null ? "–" : `${Math.round(value)} ms`;
}
