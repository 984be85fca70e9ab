import { Stack } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useQuery } from 'urql'
import { useLocation, useSearch } from 'wouter'
import { serverNow } from '../graph/clock'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { useWhileVisible } from '../ui/useWhileVisible'
import { ReportQuery, UsageQuery } from './documents'
import { Plan } from './Plan'
import { day, fromSearch, problemOf, toPath, toVariables, type Range } from './range'
import { RangePicker } from './RangePicker'
import { ReportView } from './ReportView'

/** Running sessions go on counting without a push. */
const every = 60_000

/** What the account uses of its plan now, and what it has used. */
export default function Usage() {
  const [{ data, error }, execute] = useQuery({ query: UsageQuery })
  const reload = () => execute({ requestPolicy: 'network-only' })
  const account = data?.viewer.account
  // The shell's subscription keeps the count true, but does not ask who holds the places.
  useOnChange(account?.concurrency.current, reload)
  useWhileVisible(every, reload)

  return (
    <Page title="Usage" intro={account && `The plan ${account.plan.name}, and what is used of it.`}>
      <Stack gap="lg">
        {error && <ErrorNotice error={error} onRetry={reload} />}
        {account ? <Plan account={account} /> : !error && <Loading lines={2} height={140} />}
        <History live={account?.concurrency.current} />
      </Stack>
    </Page>
  )
}

/** The report of the range in the address. `live` is how many sessions there are: when it changes, so does the report. */
function History({ live }: { live?: number }) {
  const [, navigate] = useLocation()
  const now = serverNow()
  const range = fromSearch(useSearch(), now)
  const change = (next: Range) => navigate(toPath(next))
  const problem = problemOf(range)
  return (
    <>
      <RangePicker range={range} today={day(now)} onChange={change} />
      {!problem && <Asked range={range} live={live} />}
    </>
  )
}

function Asked({ range, live }: { range: Range; live?: number }) {
  const [{ data, error }, execute] = useQuery({ query: ReportQuery, variables: toVariables(range) })
  const reload = () => execute({ requestPolicy: 'network-only' })
  useOnChange(live, reload)
  useWhileVisible(every, reload)
  const report = data?.viewer.account?.usageReport
  return (
    <>
      {error && <ErrorNotice error={error} onRetry={reload} />}
      {report ? <ReportView report={report} /> : !error && <Loading lines={3} height={120} />}
    </>
  )
}

/** Calls when a known value becomes another one; its first one is no change. */
function useOnChange<T>(value: T | undefined, call: () => void): void {
  const before = useRef(value)
  useEffect(() => {
    if (value === undefined || value === before.current) return
    const first = before.current === undefined
    before.current = value
    if (!first) call()
  })
}
