import { useEffect, useRef } from 'react'
import { stringifyVariables, useClient, type AnyVariables, type TypedDocumentNode } from 'urql'

/**
 * Follows a subscription and hands over each of its messages once. `useSubscription` keeps the
 * last one only, which is right for a state and wrong for changes.
 */
export function useFeed<D, V extends AnyVariables>(document: TypedDocumentNode<D, V>, variables: V, onMessage: (data: D) => void): void {
  const client = useClient()
  const handler = useRef(onMessage)
  useEffect(() => {
    handler.current = onMessage
  })
  const key = stringifyVariables(variables)
  useEffect(() => {
    const { unsubscribe } = client.subscription(document, JSON.parse(key) as V).subscribe(({ data }) => {
      if (data) handler.current(data)
    })
    return unsubscribe
  }, [client, document, key])
}
