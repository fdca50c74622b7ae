// Where regions and edge locations are. Names of cities are as their people are used to see them in English.

const REGIONS = {
  "af-south-1": ["Cape Town", -33.9, 18.4],
  "ap-east-1": ["Hong Kong", 22.3, 114.2],
  "ap-northeast-1": ["Tokyo", 35.7, 139.7],
  "ap-northeast-2": ["Seoul", 37.6, 127.0],
  "ap-northeast-3": ["Osaka", 34.7, 135.5],
  "ap-south-1": ["Mumbai", 19.1, 72.9],
  "ap-south-2": ["Hyderabad", 17.4, 78.5],
  "ap-southeast-1": ["Singapore", 1.3, 103.8],
  "ap-southeast-2": ["Sydney", -33.9, 151.2],
  "ap-southeast-3": ["Jakarta", -6.2, 106.8],
  "ap-southeast-4": ["Melbourne", -37.8, 145.0],
  "ca-central-1": ["Montréal", 45.5, -73.6],
  "ca-west-1": ["Calgary", 51.0, -114.1],
  "eu-central-1": ["Frankfurt", 50.1, 8.7],
  "eu-central-2": ["Zürich", 47.4, 8.5],
  "eu-north-1": ["Stockholm", 59.3, 18.1],
  "eu-south-1": ["Milan", 45.5, 9.2],
  "eu-south-2": ["Zaragoza", 41.6, -0.9],
  "eu-west-1": ["Ireland", 53.3, -6.3],
  "eu-west-2": ["London", 51.5, -0.1],
  "eu-west-3": ["Paris", 48.9, 2.3],
  "il-central-1": ["Tel Aviv", 32.1, 34.8],
  "me-central-1": ["Dubai", 25.2, 55.3],
  "me-south-1": ["Bahrain", 26.2, 50.6],
  "sa-east-1": ["São Paulo", -23.6, -46.6],
  "us-east-1": ["Virginia", 38.9, -77.4],
  "us-east-2": ["Ohio", 40.0, -83.0],
  "us-west-1": ["California", 37.4, -121.9],
  "us-west-2": ["Oregon", 45.8, -119.7],
};

// By the airport code that begins the name of an edge location.
const EDGES = {
  AKL: ["Auckland", -37.0, 174.8], AMS: ["Amsterdam", 52.3, 4.8], ARN: ["Stockholm", 59.7, 17.9],
  ATH: ["Athens", 37.9, 23.9], ATL: ["Atlanta", 33.6, -84.4], BAH: ["Bahrain", 26.3, 50.6],
  BCN: ["Barcelona", 41.3, 2.1], BKK: ["Bangkok", 13.7, 100.7], BLR: ["Bengaluru", 13.2, 77.7],
  BNA: ["Nashville", 36.1, -86.7], BNE: ["Brisbane", -27.4, 153.1], BOG: ["Bogotá", 4.7, -74.1],
  BOM: ["Mumbai", 19.1, 72.9], BOS: ["Boston", 42.4, -71.0], BRU: ["Brussels", 50.9, 4.5],
  BUD: ["Budapest", 47.4, 19.3], CAI: ["Cairo", 30.1, 31.4], CCU: ["Kolkata", 22.7, 88.4],
  CDG: ["Paris", 49.0, 2.5], CGK: ["Jakarta", -6.1, 106.7], CMH: ["Columbus", 40.0, -82.9],
  CPH: ["Copenhagen", 55.6, 12.7], CPT: ["Cape Town", -34.0, 18.6], DEL: ["Delhi", 28.6, 77.1],
  DEN: ["Denver", 39.9, -104.7], DFW: ["Dallas", 32.9, -97.0], DUB: ["Dublin", 53.4, -6.3],
  DUS: ["Düsseldorf", 51.3, 6.8], DXB: ["Dubai", 25.3, 55.4], EWR: ["Newark", 40.7, -74.2],
  EZE: ["Buenos Aires", -34.8, -58.5], FCO: ["Rome", 41.8, 12.2], FJR: ["Fujairah", 25.1, 56.3],
  FOR: ["Fortaleza", -3.8, -38.5], FRA: ["Frankfurt", 50.0, 8.6], GIG: ["Rio de Janeiro", -22.8, -43.2],
  GRU: ["São Paulo", -23.4, -46.5], HAM: ["Hamburg", 53.6, 10.0], HAN: ["Hanoi", 21.2, 105.8],
  HEL: ["Helsinki", 60.3, 25.0], HIO: ["Portland", 45.5, -122.9], HKG: ["Hong Kong", 22.3, 113.9],
  HYD: ["Hyderabad", 17.2, 78.4], IAD: ["Washington", 38.9, -77.5], IAH: ["Houston", 30.0, -95.3],
  ICN: ["Seoul", 37.5, 126.5], IST: ["Istanbul", 41.3, 28.7], JAX: ["Jacksonville", 30.5, -81.7],
  JFK: ["New York", 40.6, -73.8], JNB: ["Johannesburg", -26.1, 28.2], KIX: ["Osaka", 34.4, 135.2],
  KUL: ["Kuala Lumpur", 2.7, 101.7], LAX: ["Los Angeles", 33.9, -118.4], LHR: ["London", 51.5, -0.5],
  LIM: ["Lima", -12.0, -77.1], LIS: ["Lisbon", 38.8, -9.1], LOS: ["Lagos", 6.6, 3.3],
  MAA: ["Chennai", 13.0, 80.2], MAD: ["Madrid", 40.5, -3.6], MAN: ["Manchester", 53.4, -2.3],
  MCI: ["Kansas City", 39.3, -94.7], MEL: ["Melbourne", -37.7, 144.8], MIA: ["Miami", 25.8, -80.3],
  MNL: ["Manila", 14.5, 121.0], MRS: ["Marseille", 43.4, 5.2], MSP: ["Minneapolis", 44.9, -93.2],
  MUC: ["Munich", 48.4, 11.8], MXP: ["Milan", 45.6, 8.7], NBO: ["Nairobi", -1.3, 36.9],
  NRT: ["Tokyo", 35.8, 140.4], ORD: ["Chicago", 42.0, -87.9], ORY: ["Paris", 48.7, 2.4],
  OSL: ["Oslo", 60.2, 11.1], OTP: ["Bucharest", 44.6, 26.1], PDX: ["Portland", 45.6, -122.6],
  PER: ["Perth", -31.9, 116.0], PHL: ["Philadelphia", 39.9, -75.2], PHX: ["Phoenix", 33.4, -112.0],
  PMO: ["Palermo", 38.2, 13.1], PRG: ["Prague", 50.1, 14.3], QRO: ["Querétaro", 20.6, -100.2],
  SCL: ["Santiago", -33.4, -70.8], SEA: ["Seattle", 47.4, -122.3], SFO: ["San Francisco", 37.6, -122.4],
  SGN: ["Ho Chi Minh City", 10.8, 106.7], SIN: ["Singapore", 1.4, 104.0], SLC: ["Salt Lake City", 40.8, -112.0],
  SOF: ["Sofia", 42.7, 23.4], SYD: ["Sydney", -33.9, 151.2], TLV: ["Tel Aviv", 32.0, 34.9],
  TPA: ["Tampa", 28.0, -82.5], TPE: ["Taipei", 25.1, 121.2], TXL: ["Berlin", 52.6, 13.3],
  VIE: ["Vienna", 48.1, 16.6], WAW: ["Warsaw", 52.2, 21.0], YTO: ["Toronto", 43.7, -79.6],
  YUL: ["Montréal", 45.5, -73.7], YVR: ["Vancouver", 49.2, -123.2], YYZ: ["Toronto", 43.7, -79.6],
  ZAG: ["Zagreb", 45.7, 16.1], ZRH: ["Zürich", 47.5, 8.5],
};

// Colours that stay apart from one another on light and dark, three of them for the regions of this application.
const COLOURS = { "us-east-1": "amber", "eu-west-1": "violet", "ap-northeast-1": "rose" };
const OTHER_COLOURS = ["teal", "sky", "lime", "amber", "violet", "rose"];

/** {title, latitude, longitude}; the last two undefined where the place is not known. */
export function region(code) {
  return place(REGIONS[code], code);
}

export function edgeLocation(code) {
  return place(EDGES[code], code);
}

/** The name of a region's colour, always the same; it is `--amber` and so on in the style sheet. */
export function colour(code) {
  const sum = [...(code ?? "")].reduce((total, character) => total + character.codePointAt(0), 0);
  return COLOURS[code] ?? OTHER_COLOURS[sum % OTHER_COLOURS.length];
}

function place(known, code) {
  const [title, latitude, longitude] = known ?? [code];
  return { code, title, latitude, longitude };
}
