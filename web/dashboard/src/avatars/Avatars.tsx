import { Button, Group, SegmentedControl, SimpleGrid, TextInput } from '@mantine/core'
import { useEffect, useState, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { Route, Switch, useLocation, useSearch } from 'wouter'
import { NotFound } from '../app/NotFound'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Pager } from '../ui/Pager'
import { fromSearch, shows, toPath, toVariables, type Address, type Show } from './address'
import { AvatarCard } from './AvatarCard'
import { AvatarForm } from './AvatarForm'
import { AvatarsQuery } from './documents'

export default function Avatars() {
  return (
    <Switch>
      <Route path="/avatars" component={AvatarList} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  )
}

/** The faces to choose from. What is shown is all in the address. */
function AvatarList() {
  const address = fromSearch(useSearch())
  const [, navigate] = useLocation()
  const [creating, setCreating] = useState(false)
  const go = (change: Partial<Address>, replace = false) => navigate(toPath({ ...address, at: {}, ...change }), { replace })
  const create = <Button onClick={() => setCreating(true)}>New avatar</Button>

  return (
    <Page title="Avatars" intro="The faces and names that sessions show." actions={create}>
      <Group mb="md" gap="sm">
        <NameSearch name={address.name} onSearch={(name) => go({ name }, true)} />
        <SegmentedControl
          aria-label="Which avatars"
          value={address.show}
          onChange={(show) => go({ show: show as Show })}
          data={shows.map((value) => ({ value, label: { usable: 'Usable', archived: 'Archived', all: 'All' }[value] }))}
        />
      </Group>
      <Cards address={address} go={go} create={create} />
      <AvatarForm opened={creating} onClose={() => setCreating(false)} />
    </Page>
  )
}

/** Searches a moment after the last letter, not at each. */
function NameSearch({ name, onSearch }: { name: string; onSearch: (name: string) => void }) {
  const [text, setText] = useState(name)
  useEffect(() => setText(name), [name])
  useEffect(() => {
    if (text.trim() === name) return
    const timer = setTimeout(() => onSearch(text.trim()), 300)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <TextInput
      aria-label="Search by name"
      placeholder="Search by name"
      type="search"
      value={text}
      maxLength={128}
      onChange={(event) => setText(event.currentTarget.value)}
      style={{ flex: '1 1 14rem', maxWidth: 360 }}
    />
  )
}

interface CardsProps {
  address: Address
  go: (change: Partial<Address>) => void
  create: ReactNode
}

function Cards({ address, go, create }: CardsProps) {
  const [{ data, error }, reload] = useQuery({ query: AvatarsQuery, variables: toVariables(address) })
  const notice = error && <ErrorNotice error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
  if (!data) return notice || <Loading lines={4} height={120} />
  const { nodes, pageInfo, totalCount } = data.avatars
  if (nodes.length === 0) return notice || <Nothing address={address} go={go} create={create} />
  return (
    <>
      {notice}
      <SimpleGrid component="ul" cols={{ base: 1, sm: 2, lg: 3 }} p={0} m={0} style={{ listStyle: 'none' }} aria-label="Avatars">
        {nodes.map((avatar) => (
          <AvatarCard key={avatar.id} avatar={avatar} />
        ))}
      </SimpleGrid>
      <Pager page={pageInfo} onMove={(at) => go({ at })}>
        <span role="status">{totalCount === 1 ? '1 avatar' : `${totalCount.toLocaleString('en')} avatars`}</span>
      </Pager>
    </>
  )
}

function Nothing({ address, go, create }: CardsProps) {
  if (address.name) {
    return (
      <Empty title="No avatar has such a name">
        <Button variant="default" size="xs" mt="xs" onClick={() => go({ name: '', show: 'all' })}>
          Show all avatars
        </Button>
      </Empty>
    )
  }
  if (address.show === 'archived') return <Empty title="No avatar is archived">An archived avatar stays with the sessions that it was in.</Empty>
  return (
    <Empty title="No avatars yet">
      An avatar is the face and name that a session shows.
      <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>{create}</div>
    </Empty>
  )
}
