import { createTheme, type CSSVariablesResolver } from '@mantine/core'

/** Calm: the system's font, one accent, and colours that have 4.5:1 against their ground. */
export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: { light: 9, dark: 9 },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem', lineHeight: '1.3' }, h2: { fontSize: '1.0625rem', lineHeight: '1.4' } },
  },
})

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    // Darker under the pointer: Mantine's is lighter, and too light for the white on it.
    '--mantine-color-teal-filled-hover': '#066649',
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    // Also on the grey of a row under the pointer.
    '--mantine-color-anchor': '#077351',
    // Mantine's own light grounds are a shade too strong for its text on them.
    '--mantine-color-teal-light': 'var(--mantine-color-teal-0)',
    '--mantine-color-red-light': 'var(--mantine-color-red-0)',
    '--mantine-color-red-light-color': 'var(--mantine-color-red-9)',
    '--mantine-color-yellow-light': 'var(--mantine-color-yellow-0)',
    '--mantine-color-yellow-light-color': '#6b4700',
    '--greenroom-ground': 'var(--mantine-color-gray-0)',
    '--greenroom-good': 'var(--mantine-color-teal-8)',
    '--greenroom-busy': 'var(--mantine-color-yellow-7)',
    '--greenroom-bad': 'var(--mantine-color-red-8)',
    '--greenroom-idle': 'var(--mantine-color-blue-7)',
    '--greenroom-done': 'var(--mantine-color-gray-5)',
  },
  dark: {
    '--mantine-color-teal-filled-hover': '#066649',
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--greenroom-ground': 'var(--mantine-color-dark-8)',
    '--greenroom-good': 'var(--mantine-color-teal-5)',
    '--greenroom-busy': 'var(--mantine-color-yellow-5)',
    '--greenroom-bad': 'var(--mantine-color-red-5)',
    '--greenroom-idle': 'var(--mantine-color-blue-4)',
    '--greenroom-done': 'var(--mantine-color-dark-2)',
  },
})
