import { BarChart } from '@mantine/charts'
import '@mantine/charts/styles.css'
import type { Bar } from './bars'

export type Measure = 'minutes' | 'sessions'

const labels: Record<Measure, string> = { minutes: 'Minutes', sessions: 'Sessions' }

/** A piece of its own: the library behind it is loaded only when there is something to draw. */
export default function DayChart({ bars, measure }: { bars: Bar[]; measure: Measure }) {
  return (
    <div role="img" aria-label={`${labels[measure]} by day. The table below has the same numbers.`}>
      <BarChart
        h={260}
        data={bars}
        dataKey="label"
        series={[{ name: measure, label: labels[measure], color: 'var(--mantine-color-teal-7)' }]}
        valueFormatter={(value) => value.toLocaleString('en')}
        tickLine="none"
        gridAxis="x"
        maxBarWidth={36}
        yAxisProps={{ allowDecimals: measure === 'minutes', width: 48, domain: [0, 'auto'] }}
        xAxisProps={{ minTickGap: 16 }}
        barProps={{ isAnimationActive: false, radius: 2 }}
        tooltipAnimationDuration={0}
        barChartProps={{ accessibilityLayer: false }}
      />
    </div>
  )
}
