import { lazy } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { Sessions } from '../sessions/Sessions'
import { NotFound } from './NotFound'

const Session = lazy(() => import('../sessions/Session'))
const NewSession = lazy(() => import('../sessions/NewSession'))
const Avatars = lazy(() => import('../avatars/Avatars'))
const Usage = lazy(() => import('../usage/Usage'))
const Webhooks = lazy(() => import('../webhooks/Webhooks'))
const Keys = lazy(() => import('../keys/Keys'))

/** The addresses of the dashboard. The server answers index.html to each of them, see web/. */
export function Routes() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/sessions" replace />
      </Route>
      <Route path="/sessions" component={Sessions} />
      <Route path="/sessions/new" component={NewSession} />
      <Route path="/sessions/:id">{({ id }) => <Session key={id} id={id} />}</Route>
      <Route path="/avatars/*?" component={Avatars} />
      <Route path="/usage" component={Usage} />
      <Route path="/webhooks/*?" component={Webhooks} />
      <Route path="/keys" component={Keys} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  )
}
