import { Alert, Box, Button, Group, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useEffect, useState, type FormEvent } from 'react'
import { CombinedError } from 'urql'
import { whoami } from '../graph/client'
import { problemOf } from '../graph/errors'
import { Logo } from '../ui/Logo'
import { refuseKey } from './credential'
import { meta } from './meta'

/** Asks for an API key, and tries it before it is kept. */
export default function SignIn({ reason, onKey }: { reason: string; onKey: (key: string) => void }) {
  const [key, setKey] = useState('')
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const development = meta('greenroom-key')

  useEffect(() => {
    document.title = 'Sign in · Greenroom'
  }, [])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const entered = key.trim()
    const refusal = refuseKey(entered)
    setError(refusal ?? '')
    if (refusal) return
    setBusy(true)
    const answer = await tryKey(entered)
    setBusy(false)
    if (answer) setError(answer)
    else onKey(entered)
  }

  return (
    <Box component="main" maw={440} mx="auto" px="md" pt="12vh">
      <Stack gap="lg">
        <Group gap="sm">
          <Logo size={36} />
          <Title order={1}>Greenroom</Title>
        </Group>
        {reason && (
          <Alert color="yellow" title="Signed out" role="alert">
            {reason}
          </Alert>
        )}
        <Paper withBorder p="xl" component="form" onSubmit={(e: FormEvent) => void submit(e)} noValidate>
          <Stack>
            <PasswordInput
              label="API key"
              description={`${development ? `Of a development server: ${development}` : 'Begins with gr_live_'}. It is kept for this tab only.`}
              value={key}
              onChange={(e) => setKey(e.currentTarget.value)}
              error={error && <span role="alert">{error}</span>}
              autoComplete="off"
              autoFocus
              spellCheck={false}
              visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
            />
            <Button type="submit" loading={busy}>
              Sign in
            </Button>
          </Stack>
        </Paper>
        {!development && (
          <Text size="sm" c="dimmed">
            Whoever runs this server makes the first key: <code>greenroom key create --account acct_…</code>
          </Text>
        )}
      </Stack>
    </Box>
  )
}

/** What to say about a key that does not sign in; null when it does. */
async function tryKey(key: string): Promise<string | null> {
  try {
    const viewer = await whoami(key)
    return viewer?.account ? null : 'This is an access token: it opens one session only. The dashboard wants an API key.'
  } catch (error) {
    const problem = problemOf(error instanceof CombinedError ? error : new Error(String(error)))
    if (problem.code === 'UNAUTHENTICATED') return 'This key was refused: it is not valid, or not any more.'
    const wait = problem.retryAfter ? ` Try again in ${problem.retryAfter} s.` : ''
    return `${problem.title}. ${problem.text}${wait}`
  }
}
