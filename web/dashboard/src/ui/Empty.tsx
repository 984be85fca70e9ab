import { Paper, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** For a list that has nothing in it: why, and what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Paper withBorder p="xl" ta="center">
      <Stack gap="xs" align="center" py="lg">
        <Text fw={600}>{title}</Text>
        {children && (
          <Text component="div" c="dimmed" maw={460}>
            {children}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}
