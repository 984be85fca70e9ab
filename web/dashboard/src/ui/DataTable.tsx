import { Box, Card, Group, Stack, Table, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { ReactNode } from 'react'

export interface Column<T> {
  key: string
  label: string
  render: (row: T) => ReactNode
  align?: 'right'
  /** On a phone: the card's first line, without its label. */
  lead?: boolean
  /** On a phone: left out when it has nothing to say. */
  hidden?: (row: T) => boolean
}

/** A list of objects: a table, and on a phone a card for each. */
export function DataTable<T extends { id: string }>({ label, columns, rows, fresh }: { label: string; columns: Column<T>[]; rows: T[]; fresh?: ReadonlySet<string> }) {
  const phone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  if (phone) return <Cards label={label} columns={columns} rows={rows} />
  return (
    <Card withBorder p={0}>
      <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={label}>
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((c) => (
                <Table.Th key={c.key} ta={c.align} scope="col" fz="sm" c="dimmed" fw={500} style={{ whiteSpace: 'nowrap' }}>
                  {c.label}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.id} data-id={row.id} data-fresh={fresh?.has(row.id) || undefined}>
                {columns.map((c) => (
                  <Table.Td key={c.key} ta={c.align}>
                    {c.render(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Box>
    </Card>
  )
}

function Cards<T extends { id: string }>({ label, columns, rows }: { label: string; columns: Column<T>[]; rows: T[] }) {
  return (
    <Stack component="ul" gap="sm" aria-label={label} p={0} m={0} style={{ listStyle: 'none' }}>
      {rows.map((row) => (
        <Card component="li" withBorder key={row.id} data-id={row.id} p="md">
          <Stack gap={6}>
            {columns
              .filter((c) => !c.hidden?.(row))
              .map((c) =>
                c.lead ? (
                  <Box key={c.key}>{c.render(row)}</Box>
                ) : (
                  <Group key={c.key} justify="space-between" gap="md" wrap="nowrap" align="baseline">
                    <Text size="sm" c="dimmed" style={{ flex: 'none' }}>
                      {c.label}
                    </Text>
                    <Box fz="sm" ta="right" style={{ minWidth: 0 }} className="anywhere">
                      {c.render(row)}
                    </Box>
                  </Group>
                ),
              )}
          </Stack>
        </Card>
      ))}
    </Stack>
  )
}
