import { Button, FileButton, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Refusals } from '../ui/Refusals'
import { Section } from '../ui/Section'
import { Status, type Colour } from '../ui/Status'
import { toast } from '../ui/toast'
import { useNewToken } from './AccessToken'
import type { SessionFacts } from './documents'
import { decode, sampleRate } from './pcm'
import { useToken } from './tokens'
import { useMicrophone } from './useMicrophone'
import { useStream, type Line } from './useStream'

/** Has the avatar speak, through the session's stream. */
export function Speak({ session }: { session: SessionFacts }) {
  const token = useToken(session.id)
  return <Section title="Speak">{token ? <Box session={session} token={token} /> : <NoToken id={session.id} />}</Section>
}

/** The stream takes no API key, and a token cannot be shown again: this tab needs one of its own. */
function NoToken({ id }: { id: string }) {
  const token = useNewToken(id)
  return (
    <Stack gap="sm" align="flex-start">
      <Text size="sm" c="dimmed">
        The stream wants the session’s access token, and this tab does not have it. A new one makes the one in use invalid.
      </Text>
      <Button variant="default" onClick={() => void token.run()} loading={token.busy}>
        Get a new access token
      </Button>
      {token.error && <ErrorNotice error={token.error} />}
      <Refusals errors={token.refusals} />
    </Stack>
  )
}

const states: Record<string, [Colour, string]> = {
  closed: ['done', 'Stream not open'],
  connecting: ['busy', 'Stream connecting'],
  open: ['good', 'Stream open'],
}

function Box({ session, token }: { session: SessionFacts; token: string }) {
  const stream = useStream(session.id, token)
  const [text, setText] = useState('')
  const ready = session.avatarState === 'READY'
  const say = (event: FormEvent) => {
    event.preventDefault()
    const said = text.trim()
    if (!said) return
    setText('')
    void stream.command(said, async (s) => spoken(await s.speakText(said)))
  }
  const play = (what: string, recording: Blob) =>
    void stream.command(what, async (s) => {
      const pcm = await decode(recording).catch(() => Promise.reject(new Error('the browser cannot play this file')))
      return spoken(await s.speakAudio(pcm))
    })
  const microphone = useMicrophone(
    (recording) => play('Recording', recording),
    (why) => toast.failed(new Error(why)),
  )
  const [colour, word] = states[stream.state] ?? ['done', stream.state]
  return (
    <Stack gap="sm">
      <form onSubmit={say}>
        <Group gap="sm" align="flex-end">
          <TextInput
            label={`What ${session.avatar.name} says`}
            placeholder="Good morning!"
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            maxLength={4000}
            style={{ flex: '1 1 220px' }}
          />
          <Button type="submit" disabled={!ready}>
            Speak
          </Button>
        </Group>
      </form>
      <Group gap="xs">
        <FileButton accept="audio/*" onChange={(file) => file && play(file.name, file)}>
          {(props) => (
            <Button {...props} variant="default" size="xs" disabled={!ready}>
              Play a file
            </Button>
          )}
        </FileButton>
        <Button
          variant="default"
          size="xs"
          disabled={!ready && !microphone.recording}
          onClick={() => (microphone.recording ? microphone.stop() : void microphone.start())}
        >
          {microphone.recording ? 'Stop and speak' : 'Record'}
        </Button>
        <Button variant="default" size="xs" onClick={() => void stream.command('Interrupt', (s) => s.interrupt().then(() => 'The avatar is silent.'))}>
          Interrupt
        </Button>
        <Text size="sm" c="dimmed" component="span" ml="auto" role="status">
          <Status colour={colour}>{word}</Status>
        </Text>
      </Group>
      {stream.why && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {stream.why}
        </Text>
      )}
      <Log lines={stream.lines} />
      <Text size="xs" c="dimmed">
        A session has one stream: this one takes over from any other client’s.
      </Text>
    </Stack>
  )
}

const outcomes: Record<Line['state'], [Colour, string]> = {
  sending: ['busy', 'Sending'],
  done: ['good', 'Confirmed'],
  failed: ['bad', 'Failed'],
}

function Log({ lines }: { lines: Line[] }) {
  return (
    <Stack component="ul" gap={6} p={0} m={0} style={{ listStyle: 'none' }} aria-label="Spoken" aria-live="polite">
      {lines.map((line) => (
        <Group component="li" key={line.id} gap="sm" wrap="nowrap" align="baseline" fz="sm">
          <Status colour={outcomes[line.state][0]}>{outcomes[line.state][1]}</Status>
          <Text size="sm" className="anywhere" style={{ minWidth: 0 }}>
            {line.what}
            {line.detail && (
              <Text span inherit c="dimmed">
                {' '}
                {line.detail}
              </Text>
            )}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}

/** Samples are counted at 16 kHz, whatever was sent. */
function spoken(samples: number): string | undefined {
  return samples > 0 ? `${(samples / sampleRate).toFixed(1)} s` : undefined
}
