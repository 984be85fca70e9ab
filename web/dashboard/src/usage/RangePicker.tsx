import { Group, Select, Text, TextInput } from '@mantine/core'
import { problemOf, rangeLabels, ranges, type Range, type RangeName } from './range'

interface Props {
  range: Range
  /** Today, in UTC: no later day can be chosen. */
  today: string
  onChange: (range: Range) => void
}

/** Chooses days. The two inputs are there for a range of one's own only. */
export function RangePicker({ range, today, onChange }: Props) {
  const problem = range.name === 'custom' ? problemOf(range) : null
  return (
    <Group gap="sm" align="flex-end">
      <Select
        label="Range"
        value={range.name}
        onChange={(name) => name && onChange({ ...range, name: name as RangeName })}
        data={ranges.map((value) => ({ value, label: rangeLabels[value] }))}
        allowDeselect={false}
        w={170}
      />
      {range.name === 'custom' && (
        <>
          <Day label="First day" value={range.first} max={today} onChange={(first) => onChange({ ...range, first })} wrong={problem !== null} />
          <Day label="Last day" value={range.last} max={today} onChange={(last) => onChange({ ...range, last })} wrong={problem !== null} />
        </>
      )}
      <Text size="sm" role="status" c={problem ? 'var(--mantine-color-error)' : 'dimmed'} pb={8}>
        {problem ?? 'Days are UTC.'}
      </Text>
    </Group>
  )
}

function Day({ label, value, max, onChange, wrong }: { label: string; value: string; max: string; onChange: (day: string) => void; wrong: boolean }) {
  return <TextInput type="date" label={label} value={value} max={max} onChange={(event) => onChange(event.currentTarget.value)} aria-invalid={wrong} w={160} />
}
