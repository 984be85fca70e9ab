import { Anchor, Box, Button, Group, Progress, Table, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { Picture } from '../ui/Picture'
import { minutes, percent } from './bars'
import type { Report } from './documents'
import type { Measure } from './DayChart'

const few = 10

/** A bar for each avatar, within the table that has its numbers. */
export function AvatarTable({ report, measure }: { report: Report; measure: Measure }) {
  const [all, setAll] = useState(false)
  const { avatars, otherAvatars } = report
  const of = (row: { sessions: number; seconds: number }) => (measure === 'minutes' ? row.seconds : row.sessions)
  const most = Math.max(...avatars.map(of), 1)
  const rows = all ? avatars : avatars.slice(0, few)
  return (
    <>
      <Table aria-label="Usage by avatar" verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Avatar</Table.Th>
            <Table.Th scope="col" ta="right">
              Sessions
            </Table.Th>
            <Table.Th scope="col" ta="right">
              Minutes
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.avatar.id}>
              <Table.Td>
                <Group gap="sm" wrap="nowrap">
                  <Picture url={row.avatar.url} name={row.avatar.name} size={32} />
                  <Box style={{ flex: 1, minWidth: 0 }}>
                    <Anchor component={Link} href={`/sessions?avatar=${encodeURIComponent(row.avatar.id)}`} size="sm" className="anywhere" lineClamp={2} title={row.avatar.name}>
                      {row.avatar.name}
                    </Anchor>
                    <Progress aria-hidden value={percent(of(row), most) ?? 0} color="teal.7" size="sm" mt={4} />
                  </Box>
                </Group>
              </Table.Td>
              <Numbers {...row} />
            </Table.Tr>
          ))}
          {otherAvatars.avatars > 0 && all && (
            <Table.Tr>
              <Table.Td>
                <Text size="sm">{otherAvatars.avatars.toLocaleString('en')} others</Text>
              </Table.Td>
              <Numbers {...otherAvatars} />
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
      {avatars.length > few && (
        <Button variant="subtle" size="xs" mt="xs" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? 'Show fewer' : `Show all ${(avatars.length + otherAvatars.avatars).toLocaleString('en')}`}
        </Button>
      )}
    </>
  )
}

/** Rounded for the eye; the title has the seconds. */
export function Numbers({ sessions, seconds }: { sessions: number; seconds: number }) {
  return (
    <>
      <Table.Td ta="right">{sessions.toLocaleString('en')}</Table.Td>
      <Table.Td ta="right" title={`${seconds.toLocaleString('en')} seconds`}>
        {minutes(seconds)}
      </Table.Td>
    </>
  )
}
