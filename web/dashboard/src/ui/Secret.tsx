import { Alert, Code, CopyButton, Button, Group, Stack, Text } from '@mantine/core'

/** A credential that is shown this once. */
export function Secret({ title, value, children }: { title: string; value: string; children?: string }) {
  return (
    <Alert color="teal" title={title} role="status" variant="light">
      <Stack gap="xs">
        <Text size="sm">{children ?? 'Copy it now: it is not shown again.'}</Text>
        <Group gap="sm" align="center">
          <Code className="anywhere" fz="sm" style={{ flex: '0 1 auto', minWidth: 0 }} data-testid="secret">
            {value}
          </Code>
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  )
}
