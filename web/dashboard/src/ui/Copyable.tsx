import { ActionIcon, Group } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { Icon } from './Icon'

/** Something to copy, in monospace; `children` may show a shorter form of it. */
export function Copyable({ value, label, children }: { value: string; label: string; children?: ReactNode }) {
  const clipboard = useClipboard({ timeout: 1500 })
  const hint = clipboard.copied ? 'Copied' : `Copy ${label}`
  return (
    <Group component="span" gap={4} wrap="nowrap" display="inline-flex" maw="100%">
      <span className="mono anywhere" style={{ minWidth: 0 }}>
        {children ?? value}
      </span>
      <ActionIcon variant="subtle" color="gray" size="sm" title={hint} aria-label={hint} onClick={() => clipboard.copy(value)}>
        <Icon name={clipboard.copied ? 'check' : 'copy'} size={14} />
      </ActionIcon>
    </Group>
  )
}

/** An id by its end, which differs; its title is the whole of it. */
export function shortId(id: string): string {
  const [prefix, rest = ''] = id.split('_')
  return rest.length > 10 ? `${prefix}_…${rest.slice(-6)}` : id
}

export function CopyableId({ id, label = 'id' }: { id: string; label?: string }) {
  return (
    <Copyable value={id} label={label}>
      <span title={id}>{shortId(id)}</span>
    </Copyable>
  )
}
