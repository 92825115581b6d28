// The picture of `npm run bench:groups`: what a message costs, over the number of members, both axes logarithmic.
import { init } from 'echarts';

export interface Curve {
  readonly name: string;
  readonly dashed: boolean;
  readonly color: string;
  /** Members, and USD for a million messages. */
  readonly points: readonly (readonly [members: number, usd: number])[];
}

export function drawCurves(curves: readonly Curve[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 480 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'A message to a group: USD for a million', left: 12, top: 8, textStyle: { fontSize: 15 } },
    legend: { top: 36, left: 12 },
    grid: { left: 70, right: 30, top: 76, bottom: 50 },
    xAxis: { type: 'log', name: 'members', nameLocation: 'middle', nameGap: 28, min: 3, max: 10_000 },
    yAxis: { type: 'log', name: 'USD' },
    series: curves.map(({ name, dashed, color, points }) => ({
      name,
      type: 'line',
      color,
      symbolSize: 6,
      lineStyle: { width: 2, type: dashed ? 'dashed' : 'solid' },
      data: points.map((point) => [...point]),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
