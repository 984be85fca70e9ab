import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { Empty } from '../ui/Empty'
import { Loading } from '../ui/Loading'
import { Section } from '../ui/Section'
import { AvatarTable } from './AvatarTable'
import { byWeek, minutes, toBars } from './bars'
import type { Measure } from './DayChart'
import { DayTable } from './DayTable'
import type { Report } from './documents'
import { downloadAvatars, downloadDays } from './files'

const DayChart = lazy(() => import('./DayChart'))

/** A range's use, by day and by avatar. */
export function ReportView({ report }: { report: Report }) {
  const [measure, setMeasure] = useState<Measure>('minutes')
  if (report.sessions === 0) return <Empty title="No session ran in these days">A session counts from its start, so one that was never started is not here.</Empty>
  return (
    <Stack gap="lg">
      <Group justify="space-between" gap="sm">
        <Text role="status">
          <strong>{report.sessions.toLocaleString('en')}</strong> {report.sessions === 1 ? 'session' : 'sessions'},{' '}
          <strong title={`${report.seconds.toLocaleString('en')} seconds`}>{minutes(report.seconds)}</strong> minutes
        </Text>
        <SegmentedControl
          aria-label="What to compare"
          value={measure}
          onChange={(value) => setMeasure(value as Measure)}
          data={[
            { value: 'minutes', label: 'Minutes' },
            { value: 'sessions', label: 'Sessions' },
          ]}
        />
      </Group>
      <Section title={byWeek(report.days.length) ? 'By week' : 'By day'} actions={<Csv onClick={() => downloadDays(report)} of="day" />}>
        <Suspense fallback={<Loading lines={1} height={260} />}>
          <DayChart bars={toBars(report.days)} measure={measure} />
        </Suspense>
        <DayTable report={report} />
      </Section>
      <Section title="By avatar" actions={<Csv onClick={() => downloadAvatars(report)} of="avatar" />}>
        <AvatarTable report={report} measure={measure} />
      </Section>
    </Stack>
  )
}

function Csv({ onClick, of }: { onClick: () => void; of: string }) {
  return (
    <Button size="xs" variant="default" onClick={onClick} aria-label={`Download CSV by ${of}`}>
      Download CSV
    </Button>
  )
}
