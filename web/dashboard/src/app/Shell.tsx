import { AppShell, Burger, Group, Loader, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Suspense, useEffect } from 'react'
import { useSubscription, type Client } from 'urql'
import { Link, useLocation } from 'wouter'
import { useClock } from '../graph/clock'
import { graphql } from '../graph/graphql'
import { Logo } from '../ui/Logo'
import { Boundary } from './Boundary'
import { LinkState } from './LinkState'
import { Navigation } from './Navigation'
import { Routes } from './routes'

/** The account is live everywhere: its places and minutes are in the cache for every view. */
const AccountFeed = graphql(`
  subscription AccountUpdated {
    accountUpdated {
      id
      name
      plan { key name maxConcurrentSessions maxSessionDuration includedMinutes }
      concurrency { current max available }
      usage { periodStart periodEnd usedSeconds remainingSeconds }
    }
  }
`)

/** Header, navigation and the view that the address names. */
export function Shell({ client, signOut }: { client: Client; signOut: () => void }) {
  const [open, { toggle, close }] = useDisclosure(false)
  const [path] = useLocation()
  const [account] = useSubscription({ query: AccountFeed })
  useClock(client)
  useEffect(close, [path, close])

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding={{ base: 'md', sm: 'xl' }}
    >
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" aria-expanded={open} />
            <Link href="/sessions" style={{ color: 'inherit', textDecoration: 'none' }} aria-label="Greenroom: sessions">
              <Group gap="xs" wrap="nowrap">
                <Logo size={26} />
                <Text fw={650}>Greenroom</Text>
              </Group>
            </Link>
          </Group>
          <LinkState />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Main">
        <Navigation account={account.data?.accountUpdated.name} signOut={signOut} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
        <Boundary key={path}>
          <Suspense fallback={<Loader m="xl" aria-label="Loading" />}>
            <Routes />
          </Suspense>
        </Boundary>
      </AppShell.Main>
    </AppShell>
  )
}
