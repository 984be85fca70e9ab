import { Button, Collapse, Group, Paper, Pill, SegmentedControl } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { exact } from '../ui/time'
import { FilterForm } from './FilterForm'
import { none, toSearch, type Filters } from './filters'
import { endReasons, named, status } from './words'

interface Props {
  filters: Filters
  avatars: { id: string; name: string }[]
  onChange: (filters: Filters) => void
}

/** Narrows the list: the status at a press, the rest in a form that opens. */
export function FilterBar({ filters, avatars, onChange }: Props) {
  const [open, { toggle, close }] = useDisclosure(false)
  const active = conditions(filters, avatars)
  return (
    <>
      <Group gap="sm" mb="sm">
        <SegmentedControl
          aria-label="Status"
          size="sm"
          value={filters.status.length > 1 ? 'several' : (filters.status[0] ?? '')}
          onChange={(value) => onChange({ ...filters, status: value ? [value] : [] })}
          data={[{ value: '', label: 'All' }, ...['CREATED', 'STARTED', 'ENDED'].map((s) => ({ value: s, label: status(s)[1] }))]}
        />
        <Button variant="default" size="sm" onClick={toggle} aria-expanded={open} aria-controls="filters">
          {active.length > 0 ? `Filters (${active.length})` : 'Filters'}
        </Button>
      </Group>
      {active.length > 0 && (
        <Group gap="xs" mb="sm" role="group" aria-label="Active filters">
          {active.map(({ label, without }) => (
            <Pill
              key={label}
              size="md"
              withRemoveButton
              onRemove={() => onChange(without)}
              removeButtonProps={{ 'aria-label': `Remove: ${label}`, 'aria-hidden': false, tabIndex: 0 }}
              maw="100%"
            >
              {label}
            </Pill>
          ))}
          <Button variant="subtle" size="compact-sm" onClick={() => onChange(none)}>
            Clear all
          </Button>
        </Group>
      )}
      <Collapse expanded={open} id="filters">
        <Paper withBorder p="md" mb="md">
          <FilterForm
            key={toSearch(filters)}
            filters={filters}
            avatars={avatars}
            onApply={(changed) => {
              onChange(changed)
              close()
            }}
          />
        </Paper>
      </Collapse>
    </>
  )
}

/** Each condition in words, and what the filters are without it. */
function conditions(f: Filters, avatars: Props['avatars']): { label: string; without: Filters }[] {
  const list = (name: 'status' | 'avatar' | 'endReason' | 'endUserId' | 'metadata', words: (value: string) => string) =>
    f[name].map((value) => ({ label: words(value), without: { ...f, [name]: f[name].filter((v) => v !== value) } }))
  const single = (name: 'createdAfter' | 'createdBefore', words: string) =>
    f[name] ? [{ label: `${words} ${readable(f[name])}`, without: { ...f, [name]: '' } }] : []
  return [
    ...(f.status.length > 1 ? list('status', (v) => status(v)[1]) : []),
    ...list('avatar', (v) => `Avatar: ${avatars.find((a) => a.id === v)?.name ?? v}`),
    ...list('endReason', (v) => `Reason: ${named(v, endReasons)}`),
    ...list('endUserId', (v) => `End user: ${v}`),
    ...list('metadata', (v) => v),
    ...single('createdAfter', 'From'),
    ...single('createdBefore', 'Before'),
  ]
}

function readable(at: string): string {
  return Number.isNaN(Date.parse(at)) ? at : exact(at)
}
