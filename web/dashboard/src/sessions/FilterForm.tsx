import { Button, Group, NativeSelect, SimpleGrid, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { toLocal, toUtc, type Filters } from './filters'
import { endReasons } from './words'

interface Props {
  filters: Filters
  avatars: { id: string; name: string }[]
  onApply: (filters: Filters) => void
}

/** One value for each condition; an address may hold more, and then they stay until they are changed here. */
export function FilterForm({ filters, avatars, onApply }: Props) {
  const [form, setForm] = useState(filters)
  const set = (change: Partial<Filters>) => setForm((old) => ({ ...old, ...change }))
  const one = (value: string) => (value === '' ? [] : [value])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onApply(form)
  }
  return (
    <form onSubmit={submit}>
      <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="md">
        <NativeSelect
          label="Avatar"
          value={form.avatar[0] ?? ''}
          onChange={(e) => set({ avatar: one(e.currentTarget.value) })}
          data={[{ value: '', label: 'Any' }, ...withUnknown(form.avatar[0], avatars.map((a) => ({ value: a.id, label: a.name })))]}
        />
        <NativeSelect
          label="End reason"
          value={form.endReason[0] ?? ''}
          onChange={(e) => set({ endReason: one(e.currentTarget.value) })}
          data={[
            { value: '', label: 'Any' },
            ...withUnknown(form.endReason[0], Object.entries(endReasons).map(([value, label]) => ({ value, label }))),
          ]}
        />
        <TextInput
          label="End user"
          placeholder="The id your system gave"
          value={form.endUserId[0] ?? ''}
          onChange={(e) => set({ endUserId: one(e.currentTarget.value) })}
        />
        <TextInput
          label="Created from"
          type="datetime-local"
          value={toLocal(form.createdAfter)}
          onChange={(e) => set({ createdAfter: toUtc(e.currentTarget.value) })}
        />
        <TextInput
          label="Created before"
          type="datetime-local"
          value={toLocal(form.createdBefore)}
          onChange={(e) => set({ createdBefore: toUtc(e.currentTarget.value) })}
        />
        <TextInput
          label="Metadata"
          placeholder="plan=gold"
          value={form.metadata[0] ?? ''}
          onChange={(e) => set({ metadata: [...one(e.currentTarget.value), ...form.metadata.slice(1)] })}
        />
      </SimpleGrid>
      <Group justify="flex-end" mt="md">
        <Button type="submit">Apply</Button>
      </Group>
    </form>
  )
}

/** A select shows nothing for a value that is not among its options. */
function withUnknown(value: string | undefined, options: { value: string; label: string }[]) {
  if (!value || options.some((o) => o.value === value)) return options
  return [...options, { value, label: value }]
}
