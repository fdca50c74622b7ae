// Message ids: ULIDs, 26 characters of Crockford's base 32, the time first. The browser makes them, so that a message
// sent again after a lost answer, perhaps to another region, is the same message.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

let newest = 0;

/** A new id. Ids made here always grow, also within one millisecond and when the clock is set back a little. */
export function newIdentifier(now) {
  newest = Math.max(Math.floor(now), newest + 1 <= now + 1000 ? newest + 1 : 0);
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  return timeDigits(newest) + Array.from(random, (byte) => ALPHABET[byte & 31]).join("");
}

/** The smallest id of a millisecond: everything later is greater. */
export function firstAt(milliseconds) {
  return timeDigits(Math.max(0, Math.floor(milliseconds))) + "0".repeat(RANDOM_LENGTH);
}

/** Milliseconds since the epoch at which an id was made. */
export function timeOf(identifier) {
  let milliseconds = 0;
  for (const character of identifier.slice(0, TIME_LENGTH)) {
    milliseconds = milliseconds * 32 + ALPHABET.indexOf(character);
  }
  return milliseconds;
}

function timeDigits(milliseconds) {
  let digits = "";
  for (let index = 0; index < TIME_LENGTH; index += 1) {
    digits = ALPHABET[milliseconds % 32] + digits;
    milliseconds = Math.floor(milliseconds / 32);
  }
  return digits;
}
