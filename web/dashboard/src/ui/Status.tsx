import { Box, Group } from '@mantine/core'
import type { ReactNode } from 'react'

export type Colour = 'good' | 'busy' | 'bad' | 'idle' | 'done'

/** A coloured dot and a word: never colour alone. */
export function Status({ colour, children }: { colour: Colour; children: ReactNode }) {
  return (
    <Group component="span" gap={7} wrap="nowrap" display="inline-flex" style={{ whiteSpace: 'nowrap' }}>
      <Box component="span" aria-hidden w={8} h={8} bg={`var(--greenroom-${colour})`} style={{ borderRadius: '50%', flex: 'none' }} />
      <span>{children}</span>
    </Group>
  )
}
