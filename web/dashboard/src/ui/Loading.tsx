import { Skeleton, Stack, VisuallyHidden } from '@mantine/core'

/** Grey lines where a list or facts will be. */
export function Loading({ lines = 6, height = 44 }: { lines?: number; height?: number }) {
  return (
    <Stack gap="sm" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={height} />
      ))}
    </Stack>
  )
}
