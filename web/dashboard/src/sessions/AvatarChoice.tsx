import { Input, Radio, SimpleGrid, Text } from '@mantine/core'
import { Picture } from '../ui/Picture'

interface Props {
  avatars: { id: string; name: string; url: string }[]
  value: string
  onChange: (id: string) => void
  error?: string
}

/** The avatars as cards with pictures; to the keyboard they are radio buttons. */
export function AvatarChoice({ avatars, value, onChange, error }: Props) {
  return (
    <Radio.Group label="Avatar" value={value} onChange={onChange} withAsterisk>
      <SimpleGrid cols={{ base: 2, xs: 3, md: 4 }} spacing="sm" mt={6}>
        {avatars.map((a) => (
          <label key={a.id} style={card(a.id === value)}>
            <Picture url={a.url} name={a.name} size={88} />
            <span style={{ display: 'flex', gap: 8, alignItems: 'center', maxWidth: '100%' }}>
              <Radio value={a.id} size="xs" aria-label={a.name} />
              <Text size="sm" className="anywhere" lineClamp={2}>
                {a.name}
              </Text>
            </span>
          </label>
        ))}
      </SimpleGrid>
      {error && <Input.Error mt={6}>{error}</Input.Error>}
    </Radio.Group>
  )
}

const card = (chosen: boolean) => ({
  display: 'flex',
  flexDirection: 'column' as const,
  alignItems: 'center',
  gap: 8,
  padding: 12,
  cursor: 'pointer',
  minWidth: 0,
  borderRadius: 'var(--mantine-radius-md)',
  border: `1px solid ${chosen ? 'var(--mantine-primary-color-filled)' : 'var(--mantine-color-default-border)'}`,
  boxShadow: chosen ? '0 0 0 1px var(--mantine-primary-color-filled)' : undefined,
  background: 'var(--mantine-color-body)',
})
