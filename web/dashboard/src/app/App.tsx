import { MantineProvider } from '@mantine/core'
import { lazy, Suspense, useCallback, useEffect, useState } from 'react'
import { Provider } from 'urql'
import { open, type Connection } from '../graph/client'
import { ConfirmProvider } from '../ui/confirm'
import { Toasts } from '../ui/Toasts'
import { forgetKey, keepKey, storedKey } from './credential'
import { meta } from './meta'
import { Shell } from './Shell'
import { theme, variables } from './theme'

const SignIn = lazy(() => import('./SignIn'))

/** Either the sign-in page or, with a key, everything else. */
export function App() {
  const [key, setKey] = useState(storedKey)
  const [reason, setReason] = useState('')

  const signIn = (entered: string) => {
    keepKey(entered)
    setReason('')
    setKey(entered)
  }
  const signOut = useCallback((why: string) => {
    forgetKey()
    setReason(why)
    setKey('')
  }, [])

  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={() => meta('style-nonce')}
    >
      <ConfirmProvider>
        <Suspense>
          {key ? <SignedIn key={key} credential={key} signOut={signOut} /> : <SignIn reason={reason} onKey={signIn} />}
        </Suspense>
      </ConfirmProvider>
      <Toasts />
    </MantineProvider>
  )
}

/** What a key opens. The cache and the socket live as long as the key. */
function SignedIn({ credential, signOut }: { credential: string; signOut: (why: string) => void }) {
  const [connection, setConnection] = useState<Connection>()
  useEffect(() => {
    const opened = open(credential, () => signOut('This API key is not valid any more. Enter another one.'))
    setConnection(opened)
    return opened.close
  }, [credential, signOut])
  if (!connection) return null
  return (
    <Provider value={connection.client}>
      <Shell client={connection.client} signOut={() => signOut('')} />
    </Provider>
  )
}

