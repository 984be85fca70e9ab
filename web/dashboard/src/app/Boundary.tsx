import { Component, type ReactNode } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'

/** Shows what a view throws, so that the shell stays. A part of the page that is gone after an update of the server is the usual case. */
export class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {}

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return <ErrorNotice error={error} onRetry={() => location.reload()} />
  }
}
