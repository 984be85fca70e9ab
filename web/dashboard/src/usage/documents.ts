import { graphql, type ResultOf } from '../graph/graphql'
import { SessionRow } from '../sessions/documents'

export const UsageQuery = graphql(
  `
    query Usage {
      viewer {
        account {
          id
          plan { key name maxConcurrentSessions maxSessionDuration includedMinutes }
          concurrency { current max available holders { ...SessionRow } }
          usage { periodStart periodEnd usedSeconds remainingSeconds }
        }
      }
    }
  `,
  [SessionRow],
)
export type UsageAccount = NonNullable<ResultOf<typeof UsageQuery>['viewer']['account']>

export const ReportQuery = graphql(`
  query UsageReport($from: DateTime!, $to: DateTime!) {
    viewer {
      account {
        id
        usageReport(from: $from, to: $to) {
          from
          to
          sessions
          seconds
          days { day sessions seconds }
          avatars { avatar { id name url } sessions seconds }
          otherAvatars { avatars sessions seconds }
        }
      }
    }
  }
`)
export type Report = NonNullable<ResultOf<typeof ReportQuery>['viewer']['account']>['usageReport']
