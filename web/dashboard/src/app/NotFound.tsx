import { Anchor, Text } from '@mantine/core'
import { Link } from 'wouter'
import { Page } from '../ui/Page'

/** For an address or an id that names nothing here. */
export function NotFound({ what = 'page' }: { what?: string }) {
  return (
    <Page title={`No such ${what}`}>
      <Text>
        There is no such {what}, or this account may not see it.{' '}
        <Anchor component={Link} href="/sessions">
          All sessions
        </Anchor>
      </Text>
    </Page>
  )
}
