// Requests, measured. One place knows how long each took, which edge location and region answered, and how far this
// browser's clock is from the regions'.

const TIMEOUT_MS = 6000;
const SAMPLES = 48;
const MEDIAN_OF = 9;

/** The API refused the request; sending it again would not help. */
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `status ${status}`);
    this.code = error?.code ?? "Refused";
  }
}

/** No answer, or one that says to try again. */
export class Unreachable extends Error {}

export class Network extends EventTarget {
  edge = null; // edge location's code, such as FRA
  region = null; // region that answered last
  samples = []; // newest last: {region, milliseconds}, region null where there was no answer
  edgeTimes = [];
  #offset = 0;
  #offsetRoundTrip = Infinity;

  /** Milliseconds since the epoch, by the regions' clock. */
  now() {
    return Date.now() + this.#offset;
  }

  /** The median of the newest round trips to the region; null before the first. */
  get roundTrip() {
    return median(this.samples.filter((sample) => sample.region === this.region && sample.region).map((sample) => sample.milliseconds));
  }

  /** The median of the newest round trips to the edge location; null before the first. */
  get edgeRoundTrip() {
    return median(this.edgeTimes);
  }

  /** JSON of the API. Raises Refused or Unreachable. */
  async api(path, { body, measured = false } = {}) {
    const options = body
      ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
      : {};
    try {
      const { response, milliseconds, content } = await this.#fetch(`/api/${path}`, options, (answer) => answer.json());
      if (response.status === 429 || response.status >= 500) throw new Unreachable(`status ${response.status}`);
      if (!response.ok) throw new Refused(response.status, content.error);
      this.#learn(content, milliseconds, measured);
      return content;
    } catch (problem) {
      if (problem instanceof Refused) throw problem;
      if (measured) this.#sample({ region: null, milliseconds: 0 });
      throw problem instanceof Unreachable ? problem : new Unreachable(problem.message);
    }
  }

  /** Measures the way to the edge location by a file that it keeps. */
  async ping() {
    try {
      const { milliseconds } = await this.#fetch("/ping.txt", {}, (answer) => answer.text());
      this.edgeTimes = [...this.edgeTimes, milliseconds].slice(-MEDIAN_OF);
      this.dispatchEvent(new Event("change"));
    } catch {
      // The next measured request tells the reader that the connection is gone; this one only feeds a figure.
    }
  }

  async #fetch(path, options, read) {
    const start = performance.now();
    const response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const milliseconds = performance.now() - start;
    const pop = response.headers.get("x-amz-cf-pop");
    if (pop) this.edge = pop.slice(0, 3).toUpperCase();
    return { response, milliseconds, content: await read(response) };
  }

  #learn(content, milliseconds, measured) {
    if (!measured) return;
    // The answer was written about half a round trip ago. The quickest exchange tells the time best.
    if (milliseconds < this.#offsetRoundTrip) {
      this.#offset = content.now + milliseconds / 2 - Date.now();
      this.#offsetRoundTrip = milliseconds;
    }
    const before = this.region;
    this.region = content.region;
    this.#sample({ region: content.region, milliseconds });
    if (before && before !== content.region) {
      this.dispatchEvent(new CustomEvent("moved", { detail: { from: before, to: content.region } }));
    }
  }

  #sample(sample) {
    this.samples = [...this.samples, sample].slice(-SAMPLES);
    this.dispatchEvent(new Event("change"));
  }
}

function median(values) {
  const newest = values.slice(-MEDIAN_OF).sort((one, other) => one - other);
  return newest.length ? newest[newest.length >> 1] : null;
}
