import { Alert, Button, Group, JsonInput, Stack, Text } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Refusals, refusalOf } from '../ui/Refusals'
import { Section } from '../ui/Section'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { UpdateMetadata } from './actions'
import type { SessionFacts } from './documents'
import { equal, parse, patchOf, problem, type Metadata } from './metadata'

/**
 * The notes as JSON. Sent are only the keys that were changed here, so that what others change
 * meanwhile stays; that is also why numbers that a browser cannot hold survive.
 */
export function MetadataEditor({ session }: { session: SessionFacts }) {
  const stored = session.metadata
  const update = useAction(UpdateMetadata)
  const [edit, setEdit] = useState<{ text: string; base: Metadata }>()
  const [error, setError] = useState<string>()

  const save = async (event: FormEvent) => {
    event.preventDefault()
    if (!edit) return
    const read = parse(edit.text)
    setError('error' in read ? read.error : undefined)
    if ('error' in read) return
    const metadata = patchOf(edit.base, read.value)
    if (Object.keys(metadata).length === 0) return setEdit(undefined)
    if (await update.run({ input: { id: session.id, metadata } })) {
      setEdit(undefined)
      toast.done('Metadata saved.')
    }
  }
  const begin = () => {
    update.clear()
    setError(undefined)
    setEdit({ text: pretty(stored), base: stored })
  }

  if (!edit) {
    return (
      <Section
        title="Metadata"
        actions={
          <Button variant="default" size="xs" onClick={begin}>
            Edit
          </Button>
        }
      >
        <Shown metadata={stored} />
      </Section>
    )
  }
  return (
    <Section title="Metadata">
      <form onSubmit={(e) => void save(e)}>
        <Stack gap="sm">
          <JsonInput
            label="JSON object"
            description="Whoever holds the access token can read it: put no secret here."
            value={edit.text}
            onChange={(text) => setEdit({ ...edit, text })}
            error={error ?? refusalOf(update.refusals, 'metadata')}
            validationError={problem(edit.text)}
            autosize
            minRows={4}
            maxRows={20}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
            data-autofocus
          />
          {!equal(stored, edit.base) && (
            <Alert color="yellow" variant="light" p="xs" role="status">
              Somebody else has changed it meanwhile. Saving sends only what you have changed.
            </Alert>
          )}
          {update.error && <ErrorNotice error={update.error} />}
          <Refusals errors={update.refusals} except={['metadata']} />
          <Group gap="sm" justify="flex-end">
            <Button variant="default" onClick={() => setEdit(undefined)}>
              Cancel
            </Button>
            <Button type="submit" loading={update.busy}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

function Shown({ metadata }: { metadata: Metadata }) {
  const entries = Object.entries(metadata)
  if (entries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        None.
      </Text>
    )
  }
  return (
    <Stack component="dl" gap={6} m={0}>
      {entries.map(([key, value]) => (
        <Group key={key} gap="md" wrap="nowrap" align="baseline">
          <Text component="dt" size="sm" c="dimmed" className="anywhere" w="35%" style={{ flex: 'none' }}>
            {key}
          </Text>
          <Text component="dd" m={0} size="sm" className="anywhere" style={{ whiteSpace: 'pre-wrap', minWidth: 0 }}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}

const pretty = (metadata: Metadata) => JSON.stringify(metadata, null, 2)
