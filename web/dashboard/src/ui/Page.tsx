import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { useEffect, useRef, type ReactNode } from 'react'

/** No view yet: after loading, the focus stays where the browser put it. */
let first = true

/**
 * One view: its heading, what can be done with all of it, and its content. The heading takes the
 * focus when the view is opened, so that a screen reader says where one is.
 */
export function Page({ title, intro, actions, children }: { title: string; intro?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Greenroom`
  }, [title])
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true })
    first = false
    scrollTo(0, 0)
  }, [])
  return (
    <Box maw={1200} mx="auto">
      <Group justify="space-between" align="flex-start" mb="lg" gap="sm">
        <Stack gap={4} style={{ minWidth: 0 }}>
          <Title order={1} ref={heading} tabIndex={-1} className="anywhere">
            {title}
          </Title>
          {intro && (
            <Text c="dimmed" component="div">
              {intro}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Box>
  )
}
