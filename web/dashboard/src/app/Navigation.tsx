import { NativeSelect, NavLink, Stack, Text, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { Link, useLocation } from 'wouter'

const views = [
  { href: '/sessions', label: 'Sessions' },
  { href: '/avatars', label: 'Avatars' },
  { href: '/usage', label: 'Usage' },
  { href: '/webhooks', label: 'Webhooks' },
  { href: '/keys', label: 'API keys' },
]

const schemes = [
  { value: 'auto', label: 'Like the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
]

/** The views above; below whose they are, how they look, and the way out. */
export function Navigation({ account, signOut }: { account?: string; signOut: () => void }) {
  const [path] = useLocation()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <>
      {views.map(({ href, label }) => {
        const active = path === href || path.startsWith(`${href}/`)
        return (
          <NavLink
            key={href}
            className="nav"
            component={Link}
            href={href}
            label={label}
            active={active}
            aria-current={active ? 'page' : undefined}
          />
        )
      })}
      <NavLink className="nav" href="/playground" label="Explorer" />
      <Stack gap="sm" mt="auto" px="sm" pb="xs">
        {account && (
          <Text size="sm" c="dimmed" className="anywhere">
            {account}
          </Text>
        )}
        <NativeSelect
          aria-label="Appearance"
          size="xs"
          data={schemes}
          value={colorScheme}
          onChange={(e) => setColorScheme(e.currentTarget.value as MantineColorScheme)}
        />
      </Stack>
      <NavLink className="nav" component="button" label="Sign out" onClick={signOut} />
    </>
  )
}
