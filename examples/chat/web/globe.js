// A dotted globe: where the reader is, where the regions are, and messages on their way.
//
// An orthographic projection on a canvas. It draws only while something moves: the globe turning towards the reader,
// or a message in flight.

import { LAND } from "./land.js";
import { colour } from "./places.js";

const RADIANS = Math.PI / 180;
const TURN = 0.06; // share of the way to its goal that the globe turns in a frame
const FLIGHT_MS = 1600;
const FLIGHTS_LIMIT = 24;
const TILT_LIMIT = 35;
const ARC_STEPS = 40;
const ARC_HEIGHT = 0.13; // in radii, for each radian between its ends

export class Globe {
  #canvas;
  #still;
  #view = { latitude: 20, longitude: -20 };
  #goal = { latitude: 20, longitude: -20 };
  #route = [];
  #seen = new Map(); // regions that messages came from, by code
  #flights = [];
  #frame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#still = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  redraw() {
    this.#start();
  }

  /** The reader's edge location and region; either may be null. */
  route(edge, region) {
    const stops = [edge, region].filter((place) => place?.latitude !== undefined);
    const key = stops.map((place) => place.code).join();
    if (key === this.#route.map((place) => place.code).join()) return;
    this.#route = stops;
    if (region?.latitude !== undefined) this.#seen.set(region.code, region);
    if (stops.length) {
      const [latitude, longitude] = coordinates(midpoint(vector(stops[0]), vector(stops.at(-1))));
      this.#goal = { latitude: Math.max(-TILT_LIMIT, Math.min(TILT_LIMIT, latitude)), longitude };
    }
    this.#start();
  }

  /** A message came from a region. */
  message(region) {
    if (region.latitude === undefined) return;
    this.#seen.set(region.code, region);
    const here = this.#route[0];
    if (here && !this.#still.matches && !document.hidden) {
      this.#flights = [...this.#flights, { from: region, to: here, start: performance.now() }].slice(-FLIGHTS_LIMIT);
    }
    this.#start();
  }

  #start() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#step());
  }

  #step() {
    this.#frame = 0;
    const share = this.#still.matches ? 1 : TURN;
    const turn = ((this.#goal.longitude - this.#view.longitude + 540) % 360) - 180;
    const rise = this.#goal.latitude - this.#view.latitude;
    this.#view.longitude += turn * share;
    this.#view.latitude += rise * share;
    const now = performance.now();
    this.#flights = this.#flights.filter((flight) => now - flight.start < FLIGHT_MS);
    this.#draw();
    if (Math.abs(turn) + Math.abs(rise) > 0.2 || this.#flights.length) this.#start();
  }

  #draw() {
    const { clientWidth: size } = this.#canvas;
    if (!size) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const pixels = Math.round(size * ratio);
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const context = this.#canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size, size);
    const style = getComputedStyle(this.#canvas);
    const ink = (name) => style.getPropertyValue(`--${name}`);
    const radius = size * 0.43;
    const project = this.#projection(size / 2, radius);
    this.#sea(context, size / 2, radius, ink);
    context.fillStyle = ink("land");
    for (const [latitude, longitude] of LAND) {
      const [x, y, depth] = project(vector({ latitude, longitude }));
      if (depth <= 0) continue;
      context.globalAlpha = 0.25 + 0.75 * depth;
      const side = size * (0.0042 + 0.004 * depth);
      context.beginPath();
      context.arc(x, y, side, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.#route.length === 2) this.#arc(context, project, ...this.#route, ink("route"), 1);
    for (const flight of this.#flights) this.#fly(context, project, flight, ink);
    for (const place of this.#seen.values()) this.#mark(context, project(vector(place)), ink(colour(place.code)), size * 0.02);
    if (this.#route.length) this.#here(context, project(vector(this.#route[0])), ink, size * 0.016);
  }

  #sea(context, middle, radius, ink) {
    const glow = context.createRadialGradient(middle, middle, radius * 0.94, middle, middle, radius * 1.16);
    glow.addColorStop(0, ink("glow"));
    glow.addColorStop(1, ink("glow-end"));
    context.fillStyle = glow;
    context.fillRect(0, 0, middle * 2, middle * 2);
    const sea = context.createRadialGradient(middle - radius * 0.4, middle - radius * 0.5, radius * 0.1, middle, middle, radius);
    sea.addColorStop(0, ink("sea-light"));
    sea.addColorStop(1, ink("sea-dark"));
    context.fillStyle = sea;
    context.beginPath();
    context.arc(middle, middle, radius, 0, 7);
    context.fill();
  }

  #fly(context, project, flight, ink) {
    const part = (performance.now() - flight.start) / FLIGHT_MS;
    const tint = ink(colour(flight.from.code));
    if (flight.from.latitude === flight.to.latitude) return;
    this.#arc(context, project, flight.from, flight.to, tint, Math.min(1, part * 1.6), Math.max(0, part * 1.6 - 0.6));
  }

  /** A line that rises from the ground between two places, from a share of its length to another. */
  #arc(context, project, from, to, tint, end, start = 0) {
    const [one, other] = [vector(from), vector(to)];
    const apart = Math.acos(Math.max(-1, Math.min(1, dotProduct(one, other))));
    if (apart < 0.01) return;
    context.strokeStyle = tint;
    context.lineWidth = 1.8;
    context.lineCap = "round";
    context.beginPath();
    let drawing = false;
    for (let step = 0; step <= ARC_STEPS; step += 1) {
      const part = start + ((end - start) * step) / ARC_STEPS;
      const height = 1 + ARC_HEIGHT * apart * Math.sin(Math.PI * part);
      const point = slerp(one, other, apart, part).map((value) => value * height);
      const [x, y, depth, aside] = project(point);
      const visible = depth > 0 || aside > 1;
      if (visible && drawing) context.lineTo(x, y);
      else if (visible) context.moveTo(x, y);
      drawing = visible;
    }
    context.stroke();
  }

  #mark(context, [x, y, depth], tint, size) {
    if (depth <= 0) return;
    context.fillStyle = tint;
    context.globalAlpha = 0.25;
    context.beginPath();
    context.arc(x, y, size * 1.9, 0, 7);
    context.fill();
    context.globalAlpha = 1;
    context.beginPath();
    context.arc(x, y, size * 0.9, 0, 7);
    context.fill();
  }

  #here(context, [x, y, depth], ink, size) {
    if (depth <= 0) return;
    context.fillStyle = ink("here");
    context.strokeStyle = ink("sea-dark");
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, size, 0, 7);
    context.fill();
    context.stroke();
  }

  /** A function from a point in space to [x, y, depth, aside]: depth is positive on the near side; what is more than
   *  1 aside is beside the globe, not behind it. */
  #projection(middle, radius) {
    const turn = -this.#view.longitude * RADIANS;
    const tilt = this.#view.latitude * RADIANS;
    const [sineTurn, cosineTurn] = [Math.sin(turn), Math.cos(turn)];
    const [sineTilt, cosineTilt] = [Math.sin(tilt), Math.cos(tilt)];
    return ([x, y, z]) => {
      const right = x * sineTurn + y * cosineTurn;
      const ahead = x * cosineTurn - y * sineTurn;
      const up = z * cosineTilt - ahead * sineTilt;
      const depth = z * sineTilt + ahead * cosineTilt;
      return [middle + right * radius, middle - up * radius, depth, Math.hypot(right, up)];
    };
  }
}

function vector({ latitude, longitude }) {
  const [parallel, meridian] = [latitude * RADIANS, longitude * RADIANS];
  return [Math.cos(parallel) * Math.cos(meridian), Math.cos(parallel) * Math.sin(meridian), Math.sin(parallel)];
}

function coordinates([x, y, z]) {
  return [Math.atan2(z, Math.hypot(x, y)) / RADIANS, Math.atan2(y, x) / RADIANS];
}

function midpoint(one, other) {
  return one.map((value, index) => value + other[index] * 0.999);
}

function dotProduct(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0);
}

function slerp(one, other, apart, part) {
  const sine = Math.sin(apart);
  const [near, far] = [Math.sin((1 - part) * apart) / sine, Math.sin(part * apart) / sine];
  return one.map((value, index) => value * near + other[index] * far);
}
