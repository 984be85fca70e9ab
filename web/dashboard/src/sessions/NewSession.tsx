import { Anchor, Button, Group, JsonInput, List, Paper, Stack, Text, TextInput } from '@mantine/core'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { useQuery, type CombinedError } from 'urql'
import { Link, useLocation } from 'wouter'
import { graphql, type ResultOf } from '../graph/graphql'
import { shortId } from '../ui/Copyable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Refusals, refusalOf } from '../ui/Refusals'
import { Time } from '../ui/Time'
import { span } from '../ui/time'
import { AvatarChoice } from './AvatarChoice'
import { inputOf, Wish, type Errors, type Form } from './create'
import { problem } from './metadata'
import { keepToken } from './tokens'
import { useCreate } from './useCreate'
import { status } from './words'

const Choices = graphql(`
  query Choices {
    avatars(first: 100, filter: { archived: false }) { nodes { id name url } }
    viewer { account { id plan { key name maxSessionDuration } } }
  }
`)

/** Asks who is shown and for how long, and goes on to the session. */
export default function NewSession() {
  const [{ data, error }, reload] = useQuery({ query: Choices })
  return (
    <Page title="New session" intro="A private room with an avatar, to be started when the person is there.">
      {data ? <Asked choices={data} /> : error ? <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} /> : <Loading lines={4} height={72} />}
    </Page>
  )
}

function Failed({ error, retry }: { error: CombinedError; retry: () => void }) {
  return <ErrorNotice error={error} onRetry={retry} />
}

function Asked({ choices }: { choices: ResultOf<typeof Choices> }) {
  const avatars = choices.avatars.nodes
  const longest = choices.viewer.account?.plan.maxSessionDuration
  const [form, setForm] = useState<Form>({ avatarId: avatars.length === 1 ? (avatars[0]?.id ?? '') : '', minutes: '', endUserId: '', metadata: '' })
  const [errors, setErrors] = useState<Errors>({})
  const wish = useRef(new Wish())
  const create = useCreate()
  const [, navigate] = useLocation()
  const set = (change: Partial<Form>) => setForm((old) => ({ ...old, ...change }))
  const refused = (field: string) => refusalOf(create.refusals, field)

  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    const read = inputOf(form)
    setErrors('errors' in read ? read.errors : {})
    if ('errors' in read) return
    const payload = await create.run({ ...read.input, idempotencyKey: wish.current.keyFor(read.input) })
    if (!payload?.session) return
    if (payload.accessToken) keepToken(payload.session.id, payload.accessToken)
    navigate(`/sessions/${payload.session.id}`, { replace: true })
  }
  // To the first field that is wrong, so that it is read out.
  const formRef = useRef<HTMLFormElement>(null)
  useEffect(() => {
    formRef.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [errors])

  if (avatars.length === 0) {
    return (
      <Empty title="There is no avatar yet">
        A session shows one.{' '}
        <Anchor component={Link} href="/avatars">
          Add an avatar
        </Anchor>
      </Empty>
    )
  }
  return (
    <Paper withBorder p="lg" maw={720}>
      <form ref={formRef} onSubmit={(e) => void submit(e)} noValidate>
        <Stack gap="lg">
          <AvatarChoice avatars={avatars} value={form.avatarId} onChange={(avatarId) => set({ avatarId })} error={errors.avatarId ?? refused('avatarId')} />
          <TextInput
            label="Longest duration, in minutes"
            description={longest ? `Empty: as the plan has it, ${span(longest)}.` : 'Empty: no limit.'}
            inputMode="decimal"
            value={form.minutes}
            onChange={(e) => set({ minutes: e.currentTarget.value })}
            error={errors.minutes ?? refused('maxDuration')}
          />
          <TextInput
            label="End user"
            description="Your own id for the person in the session, if you like."
            maxLength={128}
            value={form.endUserId}
            onChange={(e) => set({ endUserId: e.currentTarget.value })}
            error={refused('endUserId')}
          />
          <JsonInput
            label="Metadata"
            description="Your own notes as a JSON object. Whoever holds the access token can read them."
            placeholder={'{"plan": "gold"}'}
            autosize
            minRows={2}
            maxRows={12}
            value={form.metadata}
            onChange={(metadata) => set({ metadata })}
            error={errors.metadata ?? refused('metadata')}
            validationError={problem(form.metadata)}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          />
          {create.error && <ErrorNotice error={create.error} onRetry={() => void submit()} />}
          <Refusals errors={create.refusals} except={['avatarId', 'maxDuration', 'endUserId', 'metadata']} />
          <Holders sessions={create.holders} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" component={Link} href="/sessions">
              Cancel
            </Button>
            <Button type="submit" loading={create.busy}>
              Create session
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  )
}

/** Who is in the way when all places are taken. */
function Holders({ sessions }: { sessions: ReturnType<typeof useCreate>['holders'] }) {
  if (sessions.length === 0) return null
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        These sessions hold the places:
      </Text>
      <List size="sm">
        {sessions.map((s) => (
          <List.Item key={s.id}>
            <Anchor component={Link} href={`/sessions/${s.id}`} title={s.id}>
              {s.avatar.name}, <span className="mono">{shortId(s.id)}</span>
            </Anchor>{' '}
            <Text span c="dimmed">
              {status(s.status)[1].toLowerCase()}, made <Time at={s.createdAt} />
            </Text>
          </List.Item>
        ))}
      </List>
    </div>
  )
}
