// Where land is, as dots spread evenly over the globe: one row for every 2.5 degrees of latitude, from 77.5 north to
// 55 south. A row holds as many dots as keeps them 2.5 degrees apart, from the date line eastward; each hexadecimal
// digit is four of them. Made from the GLOBE elevation model of NOAA's National Geophysical Data Center, which is in
// the public domain.

const STEP = 2.5;
const NORTHERNMOST = 77.5;
const ROWS = `
01fc
0007000c
0199e001f8
38f678187ffc
bffede03dffffe
1fff3310fffffff8
1fff00803fffffff8
1cff8c00077fffffe8
003fe380045ffffff08
001ffdf0008bffffff86
0007fffc0017fffffffe2
0003fffd0003ffffffffe
0001fffe4000fffffffffc
0000ffff80001fe3ffffffc
0000ffff00003cb87ffffff
00007fff00000e05fffffffc
00003fff800003803ffffffe44
00000fffc000007c01ffffffc18
000007ffc000003f80fffffff8
000001ff4000001fffffffffff8
000000f80000001fffffdfffffe
0000003c0000000ffffdf03ffff8
0000001c0000000fffff7f0ffff8
0000000e60000007ffff9f81f3e
00000003e0000003ffffe7c0f0f8
0000000038000001fffffb80301e
000000000c000000ffffff000c078
00000000007e00007fffffe004008
00000000007f00001fffffe00100004
00000000007fe000083fffe0000104
00000000007ff000000fffc0000186
0000000000fff000000fff800000ce
0000000000fffe00000fff000000ce85
0000000001ffff80000ffe00000040038
0000000000ffffc00007fe0000001001c
0000000000ffff80000ffe
0000000000ffff00000ffc000000003
0000000000fffc00003ff880000003c8
00000000007ffc00007fe60000001ff
00000000007ff00000ff8c000000ffe
00000000007fe00000ff10000007ffc
0000000000ff000001fc0000001fff8
0000000001fe000003f00000007ffc
0000000003f800000f80000003fff
000000000fe000001c0000001e7f
000000001f8000000000000000f
000000003e0000000000000007
00000000f0000000000000000008
00000001c00000000000000001
0000000300000000000000002
0000000e
00000018
0000002

`.trim().split("\n");

/** All dots on land, as [latitude, longitude] in degrees. */
export const LAND = ROWS.flatMap((digits, row) => {
  const latitude = NORTHERNMOST - STEP * row;
  const count = Math.round((360 / STEP) * Math.cos((latitude * Math.PI) / 180));
  const dots = [];
  for (let index = 0; index < digits.length * 4; index += 1) {
    if (parseInt(digits[index >> 2], 16) & (8 >> (index & 3))) {
      dots.push([latitude, ((index + 0.5) * 360) / count - 180]);
    }
  }
  return dots;
});
