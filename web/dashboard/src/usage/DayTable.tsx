import { Box, Table } from '@mantine/core'
import type { Report } from './documents'
import { Numbers } from './AvatarTable'

/** Every day of a report, for whoever cannot or would not read a chart. */
export function DayTable({ report }: { report: Report }) {
  return (
    <Box component="details" mt="md">
      <Box component="summary" fz="sm" style={{ cursor: 'pointer' }}>
        All days as a table
      </Box>
      <Box mah={360} mt="xs" style={{ overflow: 'auto' }} tabIndex={0} role="region" aria-label="Usage by day">
        <Table aria-label="Usage by day" verticalSpacing={6} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Day (UTC)</Table.Th>
              <Table.Th scope="col" ta="right">
                Sessions
              </Table.Th>
              <Table.Th scope="col" ta="right">
                Minutes
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {report.days.map((row) => (
              <Table.Tr key={row.day}>
                <Table.Td>{row.day.slice(0, 10)}</Table.Td>
                <Numbers {...row} />
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">Sum</Table.Th>
              <Numbers {...report} />
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Box>
    </Box>
  )
}
