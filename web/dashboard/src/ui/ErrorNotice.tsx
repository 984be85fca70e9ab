import { Alert, Button, Stack, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { CombinedError } from 'urql'
import { problemOf } from '../graph/errors'

/** A failed request in plain words, with a way to try again. Counts down when the server names a time. */
export function ErrorNotice({ error, onRetry }: { error: CombinedError | Error; onRetry?: () => void }) {
  const { title, text, retryAfter, requestId } = problemOf(error)
  const wait = useCountdown(retryAfter ?? 0, error)
  return (
    <Alert color="red" title={title} role="alert" variant="light" my="sm">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="anywhere">
          {text}
        </Text>
        {requestId && (
          <Text size="sm">
            Request <code className="mono">{requestId}</code>
          </Text>
        )}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry} disabled={wait > 0}>
            {wait > 0 ? `Try again in ${wait} s` : 'Try again'}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** Seconds left of so many, counted anew for each cause. */
function useCountdown(seconds: number, cause: unknown): number {
  const [left, setLeft] = useState(seconds)
  useEffect(() => {
    setLeft(seconds)
    if (!seconds) return
    const timer = setInterval(() => setLeft((n) => Math.max(0, n - 1)), 1000)
    return () => clearInterval(timer)
  }, [seconds, cause])
  return left
}
